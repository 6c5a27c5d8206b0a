/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What ovn-nbctl takes without a word, and what then has no effect.  0, or -EINVAL with the reason in err. */
struct err;

int nb_address_check(const char *text, struct err *err); /* of Logical_Switch_Port.addresses */
int nb_port_security_check(const char *text, struct err *err); /* of port_security */
