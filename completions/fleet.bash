# Completion of fleet in bash (4.4 or later): all that can follow is asked of `fleet complete`.
_fleet() {
    local program=$1 answer=() one
    type -P -- "$program" >/dev/null || program=fleet
    COMPREPLY=()
    mapfile -t answer < <("$program" complete bash --breaks "$COMP_WORDBREAKS" \
        --line "${COMP_LINE:0:COMP_POINT}" </dev/null 2>/dev/null)
    case ${answer[0]-} in
        files) compopt -o default ;;
        directories) compopt -o dirnames ;;
        values)
            for one in "${answer[@]:1}"; do
                COMPREPLY+=("${one%%$'\t'*}")
            done
            compopt -o nosort
            # What ends like this goes on.
            [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[=:] ]] || compopt -o nospace
            ;;
    esac
}
complete -F _fleet fleet
