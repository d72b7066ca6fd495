# Prints the part of the log with the number $i that is to be read: POSIX sh. merge.awk starts it as a process of its
# own for each log; what read.sh chose is in its environment.

eval "path=\$path_$i older=\$older_$i skip=\$skip_$i from=\$from_$i to=\$to_$i"
{
	for file in $older; do
		case $file in
		*.gz) gzip -dc -- "$file" ;;
		*)
			if [ "$skip" ]; then
				tail -c "+$((skip + 1))" -- "$file"
			elif [ "$count" ] && [ -z "$pattern" ]; then
				tail -n "$count" -- "$file"
			else
				cat -- "$file"
			fi
			;;
		esac
		skip=
	done
	size=$((to - from))
	end=$size
	if [ "$count" ] && [ -z "$pattern" ]; then
		# As much of its end as has so many lines, and the end of the one before them.
		end=$((count * 4096 + 4096))
		while [ "$end" -lt "$size" ] &&
			[ "$(tail -c "+$((to - end + 1))" -- "$path" | head -c "$end" | wc -l)" -le "$count" ]; do
			end=$((end * 8))
		done
	fi
	if [ "$end" -lt "$size" ]; then
		tail -c "+$((to - end + 1))" -- "$path" | head -c "$end" | sed 1d
	elif [ "$size" -gt 0 ]; then
		tail -c "+$((from + 1))" -- "$path" | head -c "$size"
	fi
} 2>/dev/null | tr -d "\000" | if [ "$pattern" ]; then
	grep -a "$how" -e "$pattern"
else
	cat
fi | if [ "$count" ]; then
	tail -n "$count"
else
	cat
fi
