/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Ownership by declaration.  AUTO(x) p = ...; frees p with x_free() at the end of its scope,
 * TAKE(p) hands it over and leaves NULL behind.  DEFINE_AUTO(x) once per type, beside x_free(). */
#define AUTO(x) __attribute__((cleanup(x##_auto_free))) struct x *

#define DEFINE_AUTO(x)                                    \
	static inline void x##_auto_free(struct x **p)    \
	{                                                 \
		x##_free(*p);                             \
	}                                                 \
	struct x

#define TAKE(p)                             \
	({                                  \
		__typeof__(p) take_ = (p);  \
		(p) = NULL;                 \
		take_;                      \
	})

/* A heap block of any type, given back with free() at the end of the scope. */
#define AUTO_FREE __attribute__((cleanup(auto_free_)))

void auto_free_(void *pointer_to_pointer);
