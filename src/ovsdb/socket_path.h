/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where OVN's and Open vSwitch's tools look for a database's socket: file in $OVN_RUNDIR (else /run/ovn), or
 * in $OVS_RUNDIR (else /run/openvswitch).  An empty variable counts as unset.  To be freed. */
char *socket_path_ovn(const char *file);
char *socket_path_ovs(const char *file);
