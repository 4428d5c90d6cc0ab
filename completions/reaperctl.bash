# reaperctl(1) completion for bash, with the help of bash-completion                          -*- shell-script -*-
# SPDX-License-Identifier: Apache-2.0

# Asks this node's daemon, or that of a local container (-M). Other hosts (-H) are not asked: ssh might want a password.
__reaperctl_list() {
    reaperctl "${where[@]}" list --no-legend --no-pager "$@" </dev/null 2>/dev/null
}

# Names, or ids if no name begins so. Only what needs no quoting is offered: names come from whoever makes containers.
__reaperctl_containers() {
    local id name rest names=() ids=()
    while read -r id name rest; do
        [[ $id =~ ^[0-9a-f]+$ ]] && ids+=("$id")
        [[ $name =~ ^[A-Za-z0-9][A-Za-z0-9_.-]*$ ]] && names+=("$name")
    done < <(__reaperctl_list "$@")
    COMPREPLY=($(compgen -W "${names[*]}" -- "$cur"))
    [[ $cur && ! ${COMPREPLY-} ]] && COMPREPLY=($(compgen -W "${ids[*]}" -- "$cur"))
}

# The third column is SERVICE.SLOT.
__reaperctl_services() {
    local id name place rest services=()
    while read -r id name place rest; do
        [[ $place =~ ^[A-Za-z0-9][A-Za-z0-9_.-]*$ ]] && services+=("${place%.*}")
    done < <(__reaperctl_list --all)
    COMPREPLY=($(compgen -W "${services[*]}" -- "$cur"))
}

# The last of several, behind a comma, and behind "user@" (bash-completion has taken @ out of what ends a word).
__reaperctl_hosts() {
    local given=$cur cur=${cur##*[,@]} kept i
    kept=${given%"$cur"}
    if declare -F _known_hosts_real >/dev/null; then
        _known_hosts_real -a -- "$cur"
    else
        COMPREPLY=($(compgen -A hostname -- "$cur"))
    fi
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=$kept${COMPREPLY[i]}
    done
}

__reaperctl_machines() {
    COMPREPLY=($(compgen -W "$(machinectl list --no-legend --no-pager </dev/null 2>/dev/null |
        { while read -r name rest; do echo "$name"; done; })" -- "$cur"))
}

_reaperctl() {
    local cur prev words cword split
    _init_completion -s || return

    local commands='status list explain history memory watch reap pause resume reload check-config advise'
    local common='--host= --machine= --json= --no-legend --no-pager --full --help --version'
    local verdicts='unknown-state running paused restarting starting removing out-of-scope scope-unknown quarantined
        engine-unreachable engine-settling swarm-not-ready removals-paused auto-remove may-restart reloading first-run
        surge-held too-young kept-label kept-rule kept-last retained ttl-expired orphan over-cap pressure requested'
    local verb='' given=0 i where=() elsewhere=''

    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
            -H | --host) elsewhere=1; ((i++)) ;;
            -H* | --host=*) elsewhere=1 ;;
            -M | --machine) where=(-M "${words[++i]}") ;;
            -M* | --machine=*) where=("${words[i]}") ;;
            --json | --service | --verdict | --sort | --since | --lines | -D | --directory) ((i++)) ;;
            -n) [[ $verb == history ]] && ((i++)) ;;
            -*) ;;
            *) [[ $verb ]] && ((given++)); verb=${verb:-${words[i]}} ;;
        esac
    done

    case $prev in
        -H | --host) __reaperctl_hosts; return ;;
        -M | --machine) __reaperctl_machines; return ;;
        --json) COMPREPLY=($(compgen -W 'short pretty off' -- "$cur")); return ;;
        --service) [[ $elsewhere ]] || __reaperctl_services; return ;;
        --verdict) COMPREPLY=($(compgen -W "$verdicts" -- "$cur")); return ;;
        --sort) COMPREPLY=($(compgen -W 'due age held size' -- "$cur")); return ;;
        --since) COMPREPLY=($(compgen -W 'today yesterday 1h 2h 1d' -- "$cur")); return ;;
        --lines) return ;;
        -D | --directory) _filedir -d; return ;;
        -n) [[ $verb == history ]] && return ;;
    esac

    if [[ $cur == -* ]]; then
        local options=$common
        case $verb in
            list) options+=' --all --service= --verdict= --sort=' ;;
            history) options+=' --since= --lines= --directory=' ;;
            reap) options+=' --dry-run --service= --due' ;;
        esac
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
        [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
        return
    fi

    case $verb in
        '') COMPREPLY=($(compgen -W "$commands" -- "$cur")) ;;
        explain) ((given == 0)) && [[ ! $elsewhere ]] && __reaperctl_containers --all ;;
        reap) [[ $elsewhere ]] || __reaperctl_containers ;;
        pause) ((given == 0)) && COMPREPLY=($(compgen -W '15min 30min 1h 2h 4h' -- "$cur")) ;;
        check-config) ((given == 0)) && _filedir ;;
    esac
} &&
    complete -F _reaperctl reaperctl
