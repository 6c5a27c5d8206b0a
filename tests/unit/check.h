/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cmocka.h expects these before it, in an order that formatting would not keep. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
