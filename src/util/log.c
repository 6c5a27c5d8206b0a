/* SPDX-License-Identifier: Apache-2.0 */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

static const char *const level_names[] = { "err", "warn", "info", "dbg" };
static const int syslog_priority[] = { 3, 4, 6, 7 };

static enum log_level threshold = LOG_INFO;
static const char *program = "heddle";

void log_set_name(const char *name)
{
	program = name;
}

void log_set_level(enum log_level level)
{
	threshold = level;
}

enum log_level log_get_level(void)
{
	return threshold;
}

bool log_level_parse(const char *name, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_write(enum log_level level, const char *module, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level > threshold)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* Names come from anywhere: none of them may look like a line of ours. */
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s: %s\n", syslog_priority[level], module, line);
	else
		fprintf(stderr, "%s: %s: %s: %s\n", program, level_names[level], module, line);
}
