/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/lab.h"

int lab_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 1;
}
