# Where PowerDNS answers on this server: POSIX sh.

# pdns_at: sets $pdns_address and $pdns_port, by what the running PowerDNS says of itself. It may have the public addresses
# alone, with a resolver on the loopback address, or another port, behind a balancer.
pdns_at() {
	pdns_address='' pdns_port=53
	for pdns_word in $(timeout 5 pdns_control current-config 2>/dev/null </dev/null |
		sed -n -e 's/^local-port=/port=/p' -e '/^local-address=/{s///;s/[,;]/ /g;p;}'); do
		case $pdns_word in
		port=*) pdns_port=${pdns_word#port=} ;;
		*) pdns_address=${pdns_address:-$pdns_word} ;;
		esac
	done
	case $pdns_address in
	*']:'* | *.*.*.*:*) pdns_port=${pdns_address##*:} pdns_address=${pdns_address%:*} ;;
	esac
	pdns_address=${pdns_address#'['}
	pdns_address=${pdns_address%']'}
	case $pdns_address in
	'' | 0.0.0.0) pdns_address=127.0.0.1 ;;
	::) pdns_address=::1 ;;
	esac
}
