# bascule.bash -- completion for bash. Words come from the program itself.

_bascule_files()
{
	COMPREPLY=($(compgen -f -- "$1"))
	compopt -o filenames 2>/dev/null
}

# The value of an option; false if $1 takes none.
_bascule_value()
{
	local program=$1 option=$2 cur=$3

	case $option in
	--config | --schema | --receipt | --customizer)
		_bascule_files "$cur" ;;
	--without)
		COMPREPLY=($(compgen -W 'namespaces landlock cgroup' -- "$cur")) ;;
	--require)
		COMPREPLY=($(compgen -W 'cgroup' -- "$cur")) ;;
	--sandbox)
		COMPREPLY=($(compgen -W 'strict container' -- "$cur")) ;;
	--color)
		COMPREPLY=($(compgen -W 'auto always never' -- "$cur")) ;;
	--limit)
		COMPREPLY=($(compgen -S = -W 'deadline silence memory cpu records connects' -- "$cur"))
		compopt -o nospace 2>/dev/null ;;
	--proxy-dns)
		COMPREPLY=($(compgen -W 'local remote' -- "$cur")) ;;
	--input | --id | --timeout | --allow-private | --egress | --rate | --proxy | --no-proxy)
		;;
	*)
		return 1 ;;
	esac
}

_bascule_invoke()
{
	local program=$1 cur=${COMP_WORDS[COMP_CWORD]} i places=()

	_bascule_value "$program" "${COMP_WORDS[COMP_CWORD - 1]}" "$cur" && return
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$("$program" invoke --help 2>/dev/null | grep -oE '^ +-[-a-z, ]*' |
		    grep -oE -- '--[a-z-]+')" -- "$cur"))
		return
	fi
	# Places before the cursor that are neither options nor their values; ':' may have split a command.
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--config | --schema | --receipt | --without | --require | --sandbox | --color | --limit | --input | --customizer | --id | --timeout | --allow-private | \
		    --egress | --rate | --proxy | --no-proxy | --proxy-dns)
			((i++)) ;;
		-*) ;;
		*) places+=("${COMP_WORDS[i]}") ;;
		esac
	done
	if [[ ${#places[@]} == 0 ]]; then
		COMPREPLY=($(compgen -W "$("$program" connectors 2>/dev/null | cut -d ' ' -f 1)" -- "$cur"))
		return
	fi
	# The command as typed so far, with its colons.
	local typed=${COMP_LINE:0:COMP_POINT}
	typed=${typed##*[[:space:]]}
	COMPREPLY=($(compgen -W "$("$program" connectors "${places[0]}" 2>/dev/null)" -- "$typed"))
	# Readline keeps what stands before the last colon.
	if [[ $typed == *:* && $COMP_WORDBREAKS == *:* ]]; then
		local before=${typed%"${typed##*:}"}
		COMPREPLY=("${COMPREPLY[@]#"$before"}")
	fi
}

_bascule()
{
	local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W "$("$program" help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')" -- "$cur"))
		return
	fi
	case ${COMP_WORDS[1]} in
	invoke)
		_bascule_invoke "$program" ;;
	connectors)
		COMPREPLY=($(compgen -W "--json $("$program" connectors 2>/dev/null | cut -d ' ' -f 1)" -- "$cur")) ;;
	doctor)
		_bascule_value "$program" "${COMP_WORDS[COMP_CWORD - 1]}" "$cur" ||
		    COMPREPLY=($(compgen -W "$("$program" doctor --help 2>&1 | grep -oE -- '--[a-z-]+')" -- "$cur")) ;;
	serve)
		case ${COMP_WORDS[COMP_CWORD - 1]} in
		--tls-cert | --tls-key | --client-ca | --tokens | --registry | --journal)
			_bascule_files "$cur" ;;
		*)
			COMPREPLY=($(compgen -W "check token $("$program" serve --help 2>&1 | grep -oE '^  --[a-z-]+')" -- "$cur")) ;;
		esac ;;
	practice)
		COMPREPLY=($(compgen -W "$("$program" practice --help 2>&1 | grep -oE -- '--[a-z-]+')" -- "$cur")) ;;
	help)
		COMPREPLY=($(compgen -W exit -- "$cur")) ;;
	esac
}

complete -F _bascule bascule
