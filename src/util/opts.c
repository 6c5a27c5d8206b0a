/* SPDX-License-Identifier: Apache-2.0 */
#include "util/opts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/err.h"
#include "util/log.h"
#include "util/str.h"

static bool value_is_optional(const struct opt *opt)
{
	return opt->value_name && opt->value_name[0] == '[';
}

static void print_help(const struct opts *opts)
{
	printf("usage: %s\n\n%s\n\noptions:\n", opts->usage, opts->about);
	for (const struct opt *o = opts->table; o->name; o++) {
		char left[80], letter[8] = "    ";

		if (o->letter)
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		if (!o->value_name)
			snprintf(left, sizeof(left), "%s--%s", letter, o->name);
		else if (value_is_optional(o))
			snprintf(left, sizeof(left), "%s--%s[=%.*s]", letter, o->name,
				 (int)strlen(o->value_name) - 2, o->value_name + 1);
		else
			snprintf(left, sizeof(left), "%s--%s=%s", letter, o->name, o->value_name);
		if (strlen(left) > 28)
			printf("  %s\n%32s%s\n", left, "", o->help);
		else
			printf("  %-28s  %s\n", left, o->help);
	}
	printf("  %-28s  %s\n", "-h, --help", "print this and exit");
	if (opts->footer)
		printf("\n%s\n", opts->footer);
}

static int store(const struct opt *opt, const char *value, struct err *err)
{
	switch (opt->kind) {
	case OPT_FLAG: *(bool *)opt->ret = true; return 0;
	case OPT_STRING: *(const char **)opt->ret = value; return 0;
	case OPT_INT:
		if (!str_to_int(value, opt->min, opt->max, opt->ret))
			return err_set(err, -EINVAL,
				       "option --%s: \"%s\" is not a number from %lld to %lld",
				       opt->name, value, opt->min, opt->max);
		return 0;
	case OPT_CALL:
		if (opt->call(opt->ret, value, err) < 0)
			return err_prefix(err, "option --%s", opt->name);
		return 0;
	}
	return -EINVAL;
}

static const struct opt *by_letter(const struct opts *opts, char letter)
{
	for (const struct opt *o = opts->table; o->name; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static const struct opt *by_name(const struct opts *opts, const char *name, size_t len)
{
	for (const struct opt *o = opts->table; o->name; o++)
		if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static int parse_long(const struct opts *opts, const char *word, char **argv, int *i,
		      struct err *err)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct opt *opt = by_name(opts, word, len);
	const char *value = equals ? equals + 1 : NULL;

	if (!opt)
		return err_set(err, -EINVAL, "unknown option --%.*s", (int)len, word);
	if (value && !opt->value_name)
		return err_set(err, -EINVAL, "option --%s takes no value", opt->name);
	if (!value && opt->value_name && !value_is_optional(opt)) {
		value = argv[*i + 1];
		if (!value)
			return err_set(err, -EINVAL, "option --%s needs a value", opt->name);
		++*i;
	}
	return store(opt, value, err);
}

static int parse_letters(const struct opts *opts, const char *letters, char **argv, int *i,
			 struct err *err)
{
	for (; *letters; letters++) {
		const struct opt *opt = by_letter(opts, *letters);

		if (!opt)
			return err_set(err, -EINVAL, "unknown option -%c", *letters);
		if (opt->value_name && !value_is_optional(opt)) {
			const char *value = letters[1] ? letters + 1 : argv[*i + 1];

			if (!value)
				return err_set(err, -EINVAL, "option -%c needs a value", *letters);
			if (!letters[1])
				++*i;
			return store(opt, value, err);
		}
		if (store(opt, NULL, err) < 0)
			return -EINVAL;
	}
	return 0;
}

int opt_log_level(void *ret, const char *value, struct err *err)
{
	enum log_level level;

	if (!log_level_parse(value, &level))
		return err_set(err, -EINVAL, "\"%s\" is no log level: err, warn, info or dbg",
			       value);
	log_set_level(level);
	return 0;
}

enum opts_result opts_parse(const struct opts *opts, int argc, char **argv, int *ret_first,
			    struct err *err)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		const char *word = argv[i];
		int r;

		if (strcmp(word, "--") == 0) {
			i++;
			break;
		}
		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			print_help(opts);
			return OPTS_HELP;
		}
		r = word[1] == '-' ? parse_long(opts, word + 2, argv, &i, err)
				   : parse_letters(opts, word + 1, argv, &i, err);
		if (r < 0)
			return OPTS_BAD;
	}
	*ret_first = i;
	return OPTS_OK;
}
