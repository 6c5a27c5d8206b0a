/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* argv[0] is the subcommand's name; each returns the exit status: 0, 1 (failed), 2 (wrong usage). */
int up_main(int argc, char **argv);
int nb_main(int argc, char **argv);
int plug_main(int argc, char **argv);
int unplug_main(int argc, char **argv);
int show_main(int argc, char **argv);
int drops_main(int argc, char **argv);
