# Completion of fleet in fish: all that can follow is asked of `fleet complete`.
function __fleet_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    # A quote that is still open is no part of the word.
    set -l word (commandline --current-token --cut-at-cursor | string trim --left --chars '\'"')
    type --query -- $words[1]; or set words[1] fleet
    set -l answer (command $words[1] complete fish -- $words "$word" </dev/null 2>/dev/null)
    switch "$answer[1]"
        case files directories
            # Nothing before a path is one empty string: an empty list would take the paths away with it.
            set -l flag (string match --regex -- '^--[^=]*=' $word; or echo)
            set -l path (string replace -- "$flag" '' $word)
            set -l paths
            if test $answer[1] = files
                set paths (__fish_complete_path "$path")
            else
                set paths (__fish_complete_directories "$path")
            end
            test (count $paths) -eq 0; or printf '%s\n' $flag$paths
        case values
            set -e answer[1]
            test (count $answer) -eq 0; or printf '%s\n' $answer
    end
end
complete --command fleet --no-files --keep-order --arguments '(__fleet_complete)'
