/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Lines to stderr, with "<3>" prefixes when a service manager reads them (JOURNAL_STREAM is set),
 * else with the program's name.  err: an operator must act; warn: degraded, will retry; info: state
 * changed; dbg: the rest.  Lower case, no full stop, reason last after a colon. */
enum log_level {
	LOG_ERR,
	LOG_WARN,
	LOG_INFO,
	LOG_DBG,
};

void log_set_name(const char *name); /* borrowed for ever; the default is "heddle" */
void log_set_level(enum log_level level);
bool log_level_parse(const char *name, enum log_level *ret); /* "err" "warn" "info" "dbg" */
enum log_level log_get_level(void);

void log_write(enum log_level level, const char *module, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Once per file: LOG_MODULE("session"); */
#define LOG_MODULE(name) static const char *const log_module_ __attribute__((unused)) = (name)

#define log_err(...)  log_write(LOG_ERR, log_module_, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, log_module_, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, log_module_, __VA_ARGS__)
#define log_dbg(...)                                                 \
	do {                                                         \
		if (log_get_level() >= LOG_DBG)                      \
			log_write(LOG_DBG, log_module_, __VA_ARGS__); \
	} while (0)
