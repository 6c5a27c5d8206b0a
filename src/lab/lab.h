/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* argv[0] is the subcommand's name; each returns the exit status: 0, 1 (failed), 2 (wrong usage). */
int lab_main(int argc, char **argv);
