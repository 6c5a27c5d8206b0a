/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "util/alloc.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A growable array of T, declared in place: VEC(struct port) ports = VEC_INIT; */
#define VEC(T)                \
	struct {              \
		T *v;         \
		size_t n;     \
		size_t alloc; \
	}
#define VEC_INIT { NULL, 0, 0 }

/* Grows by one uninitialised element and returns its address, valid until the next push. */
#define VEC_PUSH(vec)                                                                   \
	({                                                                              \
		__typeof__(vec) *vec_ = &(vec);                                         \
		if (vec_->n == vec_->alloc) {                                           \
			vec_->alloc = vec_->alloc ? 2 * vec_->alloc : 8;                \
			vec_->v = xrealloc(vec_->v, vec_->alloc * sizeof(*vec_->v));    \
		}                                                                       \
		&vec_->v[vec_->n++];                                                    \
	})
#define VEC_ADD(vec, element) (*VEC_PUSH(vec) = (element))
#define VEC_CLEAR(vec) ((void)((vec).n = 0)) /* keeps the memory */
#define VEC_DONE(vec)                             \
	do {                                      \
		free((vec).v);                    \
		(vec).v = NULL;                   \
		(vec).n = (vec).alloc = 0;        \
	} while (0)
#define VEC_FOREACH(p, vec) \
	for (__typeof__((vec).v + 0) p = (vec).v; p && p < (vec).v + (vec).n; p++)
