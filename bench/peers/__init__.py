# SPDX-License-Identifier: Apache-2.0
from .heddle import Heddle
from .ovn import Ovn
from .raw import Raw
from .vxlan import Vxlan

ALL = [Raw, Vxlan, Ovn, Heddle]
