# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The name of a test in a line of TAP, for those that read what tests say.

# What is between blanks, without the dash that TAP may have before a name.
trim() {
	local text=$1

	[[ $text =~ ^[[:space:]]*(-[[:space:]]+)?(.*[^[:space:]])?[[:space:]]*$ ]]
	echo "${BASH_REMATCH[2]-}"
}

# C has no spaces in names: a_flow_ends is "a flow ends".
sentence() {
	if [[ $1 =~ ^[A-Za-z0-9_]+$ ]]; then
		echo "${1//_/ }"
	else
		echo "$1"
	fi
}
