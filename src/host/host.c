/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"

int host_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 1;
}
