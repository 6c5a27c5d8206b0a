/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for a fuzzer: runs the files that are named, and with each of them every truncation and a change of every
 * byte, so that a corpus is worth something without a fuzzer, too. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/alloc.h"

#define MAX_BYTES 8192

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A block of exactly n bytes, so that a sanitizer sees what reads beyond. */
static void run(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = xmalloc(n ? n : 1);

	memcpy(copy, bytes, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void run_all(uint8_t *bytes, size_t n)
{
	static const uint8_t others[] = { '"', '{', ']', '\\', '0', 0xff };

	run(bytes, n);
	for (size_t i = 0; i < n; i++) {
		uint8_t kept = bytes[i];

		run(bytes, i);
		bytes[i] = others[i % sizeof(others)];
		run(bytes, n);
		bytes[i] = kept;
	}
}

int main(int argc, char **argv)
{
	static uint8_t bytes[MAX_BYTES];

	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "r");

		if (!file) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		run_all(bytes, fread(bytes, 1, sizeof(bytes), file));
		fclose(file);
	}
	return 0;
}
