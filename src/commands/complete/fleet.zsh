#compdef fleet
# Completion of fleet in zsh: all that can follow is asked of `fleet complete`.
_fleet() {
    local program=${(Q)words[1]} one value tab=$'\t'
    local -a answer whole begun
    program=${program/#\~\//$HOME/}
    (( $+commands[$program] )) || [[ -x $program ]] || program=fleet
    answer=("${(@f)$(command $program complete zsh -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" </dev/null 2>/dev/null)}")
    case ${answer[1]-} in
        files | directories)
            [[ $PREFIX != --*=* ]] || compset -P '*='
            if [[ $answer[1] == files ]]; then _files; else _files -/; fi
            ;;
        values)
            for one in "${(@)answer[2,-1]}"; do
                value=${one%%$tab*}
                # A colon separates the value from what it means.
                value=${value//:/\\:}
                [[ $one != *$tab* ]] || value+=:${one#*$tab}
                if [[ ${one%%$tab*} == *[=:] ]]; then begun+=("$value"); else whole+=("$value"); fi
            done
            (( ! $#whole )) || _describe -V fleet whole
            # What ends like this goes on.
            (( ! $#begun )) || _describe -V fleet begun -S ''
            ;;
    esac
}
if [[ $funcstack[1] == _fleet ]]; then _fleet "$@"; else compdef _fleet fleet; fi
