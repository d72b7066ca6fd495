# Prints the part of the log with the number $i that is to be read: POSIX sh. merge.awk starts it as a process of its
# own for each log; what read.sh chose is in its environment.

eval "path=\$path_$i inode=\$inode_$i older=\$older_$i skip=\$skip_$i from=\$from_$i to=\$to_$i"

# is_it: whether what is open is what was looked at, and neither the file that came after it nor what a link leads to.
is_it() { [ "$(stat -L -c %i -- /proc/self/fd/3)" = "$inode" ]; }

# newest: the part of the file that is open, whatever its name may be by now.
newest() {
	path=/proc/self/fd/3
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
	else
		tail -c "+$((from + 1))" -- "$path" | head -c "$size"
	fi
}

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
	if [ "$to" -gt "$from" ]; then
		{ is_it && newest; } 3<"$path" || {
			# It has been rotated away since.
			rotated=$(find -P "${path%/*}" -maxdepth 1 -type f -inum "$inode" -name "${path##*/}[.-]*" | head -n 1)
			[ -z "$rotated" ] || { is_it && newest; } 3<"$rotated"
		}
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
