/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

int nb_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 1;
}
