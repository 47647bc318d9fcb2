# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_istio_tls_global_optspecs
    string join \n C/dir= o/output= q/quiet v/verbose color= no-input y/yes n/namespace= gateway-namespace= h/help V/version
end

function __fish_istio_tls_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_istio_tls_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_istio_tls_using_subcommand
    set -l cmd (__fish_istio_tls_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c istio-tls -n "__fish_istio_tls_needs_command" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_needs_command" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_needs_command" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "init" -d 'Writes istio-tls.yaml'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "gen-certs" -d 'Makes a root, intermediate, server and client certificate per host'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "adopt" -d 'Takes an existing chain into the workspace'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "revoke" -d 'Revokes a client or server certificate'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "inspect" -d 'Explains certificates and keys in a file, a folder, a Secret or at a host'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "verify" -d 'Verifies a certificate as a client would'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "manifests" -d 'Prints the Secrets, Gateway and VirtualServices'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "serve" -d 'Runs the Gateway and VirtualServices in a local gateway'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "probe" -d 'Proves TLS and mutual TLS from a client\'s side'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "request" -d 'Sends one request with everything set'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "up" -d 'Makes certificates if needed, serves, and probes'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "apply" -d 'Applies the workspace\'s objects to a cluster (comes in a later release)'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "completions" -d 'Prints the completion script of a shell'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "man" -d 'Prints the manual page of the program or of one command'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "schema" -d 'Prints the JSON Schema of istio-tls.yaml'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s o -l output -d 'Output format (text, json, yaml ... as the command has them)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s n -l namespace -d 'Namespace of objects that name none [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "init" -d 'Writes istio-tls.yaml'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "gen-certs" -d 'Makes a root, intermediate, server and client certificate per host'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "adopt" -d 'Takes an existing chain into the workspace'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "revoke" -d 'Revokes a client or server certificate'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "inspect" -d 'Explains certificates and keys in a file, a folder, a Secret or at a host'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "verify" -d 'Verifies a certificate as a client would'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "manifests" -d 'Prints the Secrets, Gateway and VirtualServices'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "serve" -d 'Runs the Gateway and VirtualServices in a local gateway'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "probe" -d 'Proves TLS and mutual TLS from a client\'s side'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "request" -d 'Sends one request with everything set'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "up" -d 'Makes certificates if needed, serves, and probes'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "apply" -d 'Applies the workspace\'s objects to a cluster (comes in a later release)'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "completions" -d 'Prints the completion script of a shell'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "man" -d 'Prints the manual page of the program or of one command'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "schema" -d 'Prints the JSON Schema of istio-tls.yaml'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests serve probe request up apply completions man schema help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
