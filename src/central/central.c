/* SPDX-License-Identifier: Apache-2.0 */
#include "central/central.h"

int central_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 1;
}
