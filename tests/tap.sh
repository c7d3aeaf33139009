# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The one reader of what test programs print, for the runners: TAP, and cmocka's way of it.

# trim TEXT: sets `trimmed` to what is between blanks, without the dash that TAP may have before a
# name.
trim() {
	[[ $1 =~ ^[[:space:]]*(-[[:space:]]+)?(.*[^[:space:]])?[[:space:]]*$ ]]
	trimmed=${BASH_REMATCH[2]-}
}

# sentence TEXT: sets `trimmed` to it. C has no spaces in names: a_flow_ends is "a flow ends".
sentence() {
	trim "$1"
	[[ ! $trimmed =~ ^[A-Za-z0-9_]+$ ]] || trimmed=${trimmed//_/ }
}

# tap_read CALL: reads the output of a program on standard input and calls, for each test in it,
#
#   CALL ok|FAIL|skip SENTENCE WHY      WHY is of a test that was skipped, if its line has one
#
# Sets tap_said and tap_planned to the number of tests that there were and should have been, and
# tap_soft to how many were skipped in cmocka's words.
tap_read() {
	local line not rest name why

	tap_said=0 tap_planned=0 tap_soft=0
	while IFS= read -r line || [ -n "$line" ]; do
		line=${line%$'\r'}
		if [[ $line =~ ^1\.\.([0-9]+)(.*)$ ]]; then
			tap_planned=$((tap_planned + BASH_REMATCH[1]))
			[[ $line =~ ^1\.\.0\ +#\ *[Ss][Kk][Ii][Pp](.*)$ ]] || continue
			tap_planned=$((tap_planned + 1))
			not='' rest="all of it # SKIP${BASH_REMATCH[1]}"
		elif [[ $line =~ ^(not\ )?ok\ +[0-9]+(.*)$ ]]; then
			not=${BASH_REMATCH[1]} rest=${BASH_REMATCH[2]}
		else
			continue
		fi
		tap_said=$((tap_said + 1))
		if [[ $rest =~ ^(.*)#\ *[Ss][Kk][Ii][Pp](.*)$ ]]; then
			# TAP says "ok 3 - name # SKIP why", cmocka "not ok 3 # SKIP name".
			name=${BASH_REMATCH[1]} why=${BASH_REMATCH[2]}
			[ -z "$not" ] || tap_soft=$((tap_soft + 1))
			trim "$name"
			[ -n "$trimmed" ] || name=$why why=
			trim "$why"
			why=$trimmed
			sentence "$name"
			"$1" skip "$trimmed" "$why"
		else
			sentence "$rest"
			if [ -n "$not" ]; then "$1" FAIL "$trimmed"; else "$1" ok "$trimmed"; fi
		fi
	done
}

# tap_complaint STATUS SECONDS FAILED: after tap_read, what is wrong with a program that ended with
# this status, had so many seconds and so many tests that failed. Says nothing if they say it.
tap_complaint() {
	if [ "$1" -eq 124 ] || [ "$1" -eq 137 ]; then
		echo "ran for more than $2 seconds, or was killed"
	elif [ "$1" -eq 127 ] && [ "$tap_said" -eq 0 ]; then
		echo "is not there to run"
	elif [ "$1" -ne 0 ] && [ "$3" -eq 0 ] && { [ "$1" -ge 124 ] || [ "$tap_soft" -eq 0 ]; }; then
		# Some versions of cmocka exit with a failure's status when tests were skipped.
		echo "exit status $1, though no test failed"
	elif [ "$tap_said" -eq 0 ]; then
		echo "printed no test"
	elif [ "$tap_planned" -ne "$tap_said" ]; then
		echo "planned $tap_planned tests and ran $tap_said"
	fi
}
