/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lab/topology.h"

struct err;

/* Namespaces, devices and addresses of a lab, made with ip(8). */
int wires_make(const struct lab *lab, struct err *err);

/* Removes every network namespace and every mount that carries the lab's name, whether this lab is
 * complete or not, and its directory.  The processes must have ended. */
int wires_remove(const struct lab *lab, struct err *err);

/* True if any of the lab's namespaces is there. */
bool wires_exist(const struct lab *lab);
