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
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_needs_command" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_needs_command" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "init" -d 'Writes istio-tls.yaml: questions on a terminal, flags otherwise'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "gen-certs" -d 'Issues a root, intermediate, server and client certificate per host'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "adopt" -d 'Takes an existing chain into the workspace'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "revoke" -d 'Revokes a client or server certificate'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "inspect" -d 'Explains certificates and keys in a file, a folder, a Secret or at a server'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "verify" -d 'Verifies a certificate chain as a client would, and reports why not'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "manifests" -d 'Prints the Secrets, Gateway and VirtualServices'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "lint" -d 'Cross-checks Gateways, VirtualServices, Secrets and certificates'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "serve" -d 'Runs the Gateway and VirtualServices in a local gateway'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "probe" -d 'Verifies TLS and mutual TLS from a client\'s side'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "request" -d 'Sends one request with everything set'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "up" -d 'Issues certificates if needed, serves, and probes'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "doctor" -d 'Examines the gateway of a cluster, reports faults and says how to fix them'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "completions" -d 'Prints the completion script of a shell'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "man" -d 'Prints the manual page of the program or of one command'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "schema" -d 'Prints a JSON Schema: of istio-tls.yaml, or of a command\'s -o json'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "apply" -d 'Applies the workspace\'s objects to a cluster'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "delete" -d 'Deletes what apply created, and nothing else'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "rotate" -d 'Renews certificates before they expire, and verifies the result'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "status" -d 'Shows every certificate: serial number, days left, and where it is served'
complete -c istio-tls -n "__fish_istio_tls_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l host -d 'A host to list (repeatable); gen-certs issues its chain' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l mode -d 'How clients are authenticated [default: mutual]' -r -f -a "simple\t''
mutual\t''
optional-mutual\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l secrets -d 'How the gateway gets certificates and keys [default: credential]' -r -f -a "credential\t''
file-mount\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l istio -d 'The Istio version that the manifests are for [default: latest]' -r -f -a "latest\t''
1.1\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l gateway-name -d 'The Gateway\'s name [default: mygateway]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l selector -d 'A label of the gateway\'s pods (repeatable) [default: istio=ingressgateway]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand init" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l hosts-file -d 'File with further hosts, one per line (- for standard input; # starts a comment); relative to the current folder, not to -C' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l mode -d 'How the gateway authenticates clients; recorded in istio-tls.yaml, for an existing chain only if typed here [default: mutual]' -r -f -a "simple\t''
mutual\t''
optional-mutual\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l client -d 'An additional client certificate (repeatable)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l key-type -d 'Type of all keys' -r -f -a "ecdsa-p256\t''
ecdsa-p384\t''
ed25519\t''
rsa-2048\t''
rsa-3072\t''
rsa-4096\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l days -d 'Validity of server and client certificates in days [default: 365]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l not-before -d 'Start of their validity: 2026-01-31 or RFC 3339 [default: one hour ago]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l not-after -d 'End of their validity' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l san -d 'An additional name of the server certificate (repeatable): DNS name, IP address, URI or email address; an existing chain keeps its key' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l subject -d 'Attributes of the subjects, such as C=US,O=Shop' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l csr -d 'Sign the server certificate for the key of this PKCS#10 request (a path relative to the current folder); no server key is created' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l bad -d 'Issue a deliberately wrong server certificate, for tests' -r -f -a "expired\t''
not-yet-valid\t''
wrong-host\t''
wrong-ca\t''
no-san\t''
weak-key\t''
wrong-eku\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l ca -d 'Sign with the intermediate of an existing chain: its HOST folder, in the workspace or the current folder' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l root -d 'One root for many hosts, created in DIR if there is none; relative to the current folder, not to -C' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l name-constraints -d 'Restrict the new CAs to these names (repeatable): a domain; then addresses, emails and URIs need ip:RANGE, email:NAME, uri:HOST' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l password-file -d 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l pkcs12 -d 'Also write each client, including existing ones, as a PKCS#12 bundle for browsers (its password: the one given, else changeit); legacy: for macOS up to 13 and old Windows and Java, weakly encrypted' -r -f -a "modern\t''
legacy\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l force -d 'Replace existing chains: a new CA, new keys, and the same clients issued by it; nothing from the old CA is accepted any more'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l skip-existing -d 'Create only the chains that do not exist yet, and skip the others'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l dry-run -d 'Print what would be done, and write nothing'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l compat -d 'The settings of generate.sh on the Istio task page: RSA, 20/10/1 years, C=US ST=Denial L=Springfield O=Dis'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l password-stdin -d 'Read the password of CA keys from standard input'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand gen-certs" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l host -d 'The host to adopt the certificate for [default: its first name]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l mode -d 'How the gateway authenticates clients [default: mutual with a client certificate, or a Secret with a CA; else simple]' -r -f -a "simple\t''
mutual\t''
optional-mutual\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l password-file -d 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l context -d 'The kubeconfig\'s context [default: the one that apply recorded, else its current context]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l force -d 'Replace the workspace\'s chain of this host'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l accept-faults -d 'Adopt even if the chain does not verify (expired, no SAN ...); the key must match nevertheless'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l dry-run -d 'Print what would be copied, and write nothing'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l password-stdin -d 'Read the password of CA keys from standard input'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand adopt" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -l client -d 'Revoke this client\'s certificate' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -l serial -d 'Revoke the certificate with this serial number (hex, as shown by inspect)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -l password-file -d 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -l renew -d 'Revoke no further certificate, but sign the CRLs again before they expire (a year after they were signed)'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -l password-stdin -d 'Read the password of CA keys from standard input'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand revoke" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -l sni -d 'The server name to send to HOST:PORT' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -l password-file -d 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -l context -d 'The kubeconfig\'s context [default: the one that apply recorded, else its current context]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -l password-stdin -d 'Read the password of CA keys from standard input'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand inspect" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l host -d 'The name that the server certificate must contain [default: the tree\'s host, or HOST of HOST:PORT]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l cacert -d 'Trust the certificates in this file; repeatable [default: the tree\'s root, else a Secret\'s own CA, else the system\'s CAs]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l intermediate -d 'Intermediates that the verifier has beside those in TARGET; repeatable' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l crl -d 'CRLs; repeatable [default: the tree\'s]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l purpose -d 'The purpose of the leaf [default: server; for a tree, both]' -r -f -a "server\t''
client\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l password-file -d 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l context -d 'The kubeconfig\'s context [default: the one that apply recorded, else its current context]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l password-stdin -d 'Read the password of CA keys from standard input'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand verify" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l out -d 'Write files to this folder instead of standard output (those with keys readable only by you)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l only -d 'Only these parts, comma-separated' -r -f -a "secrets\t''
gateway\t''
virtualservice\t''
samples\t''
ingress-volumes\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l mode -d 'How clients are authenticated [default: istio-tls.yaml\'s]' -r -f -a "simple\t''
mutual\t''
optional-mutual\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l secrets -d 'How the gateway gets Secrets [default: istio-tls.yaml\'s, else credential]' -r -f -a "credential\t''
file-mount\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l istio -d 'The Istio version that the objects are for [default: istio-tls.yaml\'s, else latest]' -r -f -a "latest\t''
1.1\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l gateway-name -d 'Name of the Gateway [default: istio-tls.yaml\'s, else mygateway]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l credential-name -d 'Name of the credential Secret, for a single HOST [default: the recorded one]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l route -d 'Destination of a path, for a single HOST (repeatable) [default: the recorded routes]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l api -d 'The API of gateways and routes' -r -f -a "istio\t''
gateway-api\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l issuer -d 'Have certificates issued and renewed in the cluster, by the host\'s intermediate' -r -f -a "cert-manager\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l secret-namespace -d 'Namespace of the Secrets: the same as --gateway-namespace' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l export -d 'Instead of objects, the configuration of a gateway without Istio' -r -f -a "envoy\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l upstream -d 'Endpoint of a Service in that configuration (repeatable) [default: the Service\'s name]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l samples -d 'Also the workloads and Services of the samples that the hosts lead to'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l helm-values -d 'Print only the volumes of file-mount style, as values for Istio\'s Helm chart'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l no-lint -d 'Generate the objects even if lint finds errors in them'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand manifests" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -s f -l filename -d 'Same as FILE|DIR (repeatable)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l certs -d 'Secrets: a HOST folder of gen-certs, or a folder with SECRET/KEY files (repeatable)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l istio -d 'The Istio version that the objects are for [default: istio-tls.yaml\'s, else latest]' -r -f -a "latest\t''
1.1\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l fail-on -d 'Exit with 1 on findings of this severity and above' -r -f -a "info\t''
warning\t''
error\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l min-severity -d 'Do not show findings below this severity; they still count' -r -f -a "info\t''
warning\t''
error\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l suppress -d 'Suppress a code, for all objects or for those that match a pattern (repeatable, or comma-separated)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l context -d 'The kubeconfig\'s context [default: the one that apply recorded, else its current context]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -s R -l recursive -d 'Also read subfolders; those that define the same objects are checked separately'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l fix -d 'Fix what can safely be fixed automatically: shows a diff, then asks (--yes skips the question)'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l cluster -d 'Use the objects of a cluster: the one that apply recorded, else the kubeconfig\'s current one'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -a "explain" -d 'Explains a code, or lists all of them'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and not __fish_seen_subcommand_from explain help" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from explain" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from explain" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from explain" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from explain" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from explain" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from explain" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from explain" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from explain" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from explain" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from explain" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from help" -f -a "explain" -d 'Explains a code, or lists all of them'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand lint; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s f -l filename -d 'Manifests: a file, a folder of them, or - for standard input (repeatable) [default: the workspace]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l gateway -d 'Play the gateway of this Deployment, DaemonSet, Pod, Service or Gateway API Gateway [default: the one that the Gateways select]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l selector -d 'Play the gateway whose pods have these labels, such as istio=ingress,app=edge' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l port-map -d 'The local port for a Gateway\'s port, such as 443=9443 (repeatable; 0 lets the system choose)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l bind -d 'The address on which the Gateways\' ports listen' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l admin -d 'The address of the admin interface (/certs, /config_dump, /ready, /stats/prometheus, /logging), or off' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l upstream -d 'The endpoint of a Service, such as httpbin:8000=http://127.0.0.1:9000; also https://, h2c:// and tcp:// (repeatable)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l upstream-cacert -d 'Verify https:// upstreams with the certificates in this PEM file (repeatable) [default: the system\'s]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l certs -d 'Secrets: a HOST folder of gen-certs, or a folder with SECRET/KEY files (repeatable)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l crl -d 'Refuse client certificates that these CRLs revoke, on every server that verifies clients (repeatable)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l threads -d 'Worker threads [default: the number of processors]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l access-log -d 'The access log on standard error' -r -f -a "text\t''
json\t''
off\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l context -d 'The kubeconfig\'s context [default: the one that apply recorded, else its current context]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s R -l recursive -d 'Also read the subfolders of --filename'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l host-files -d 'Treat serverCertificate, privateKey and caCertificates as paths on this machine'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l strict -d 'Stop if any part of the input is ignored, missing or broken'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l cluster -d 'Use the objects of a cluster: the one that apply recorded, else the kubeconfig\'s current one'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand serve" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l path -d 'The path to request [default: the sample\'s, else /]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l expect-status -d 'The expected status [default: the sample\'s, else any below 500 except the gateway\'s own 404]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l wait -d 'Wait this long for a serve that is about to start, and for checks to pass: a new Secret takes time to reach the gateway' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l watch -d 'Continue until interrupted, and report changes' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l target -d 'The gateway: `local` (the running serve of this workspace), `cluster`, or its address' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l resolve -d 'Connect to ADDR for HOST and PORT, like curl; repeatable' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l cacert -d 'Trust the certificates in this PEM file [default: the workspace\'s root for the host, else the system\'s]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l cert -d 'The client\'s certificate chain [default: the workspace\'s client of the host]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l key -d 'The client\'s key [default: in the file of --cert]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l key-password-file -d 'Read the password of an encrypted --key from this file' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l crl -d 'Refuse certificates that this CRL revokes; repeatable' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l sni -d 'The server name to send [default: the host]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l alpn -d 'The protocol to offer by ALPN, h2 or http/1.1 [default: either]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l tls -d 'Offer only this TLS version [default: both]' -r -f -a "1.2\t''
1.3\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l timeout -d 'Time limit for each phase' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l context -d 'The kubeconfig\'s context [default: the one that apply recorded, else its current context]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l mtls -d 'Verify mutual TLS: refused without a certificate and accepted with one, in TLS 1.2 and 1.3'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l coalesce -d 'Also request each host over the HTTP/2 connection of another whose certificate names both, as browsers do'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l all -d 'Check every address of a name, not only the first that connects'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l print-env -d 'Only print INGRESS_HOST, INGRESS_PORT and SECURE_INGRESS_PORT for a shell to eval, without connecting'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l no-client-cert -d 'Send no client certificate'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand probe" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s X -l request -d 'The method [default: GET, or POST with -d]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s H -l header -d 'A header, \'Name: value\'; repeatable' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s d -l data -d 'The body; @FILE reads it from a file' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l print -d 'Print the command line for this program instead of sending' -r -f -a "curl\t''
openssl\t''
grpcurl\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l target -d 'The gateway: `local` (the running serve of this workspace), `cluster`, or its address' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l resolve -d 'Connect to ADDR for HOST and PORT, like curl; repeatable' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l cacert -d 'Trust the certificates in this PEM file [default: the workspace\'s root for the host, else the system\'s]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l cert -d 'The client\'s certificate chain [default: the workspace\'s client of the host]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l key -d 'The client\'s key [default: in the file of --cert]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l key-password-file -d 'Read the password of an encrypted --key from this file' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l crl -d 'Refuse certificates that this CRL revokes; repeatable' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l sni -d 'The server name to send [default: the host]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l alpn -d 'The protocol to offer by ALPN, h2 or http/1.1 [default: either]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l tls -d 'Offer only this TLS version [default: both]' -r -f -a "1.2\t''
1.3\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l timeout -d 'Time limit for each phase' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l context -d 'The kubeconfig\'s context [default: the one that apply recorded, else its current context]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s i -l include -d 'Also print the response\'s status line and headers'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l no-client-cert -d 'Send no client certificate'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand request" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s f -l filename -d 'Manifests: a file, a folder of them, or - for standard input (repeatable) [default: the workspace]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l gateway -d 'Play the gateway of this Deployment, DaemonSet, Pod, Service or Gateway API Gateway [default: the one that the Gateways select]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l selector -d 'Play the gateway whose pods have these labels, such as istio=ingress,app=edge' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l port-map -d 'The local port for a Gateway\'s port, such as 443=9443 (repeatable; 0 lets the system choose)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l bind -d 'The address on which the Gateways\' ports listen' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l admin -d 'The address of the admin interface (/certs, /config_dump, /ready, /stats/prometheus, /logging), or off' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l upstream -d 'The endpoint of a Service, such as httpbin:8000=http://127.0.0.1:9000; also https://, h2c:// and tcp:// (repeatable)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l upstream-cacert -d 'Verify https:// upstreams with the certificates in this PEM file (repeatable) [default: the system\'s]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l certs -d 'Secrets: a HOST folder of gen-certs, or a folder with SECRET/KEY files (repeatable)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l crl -d 'Refuse client certificates that these CRLs revoke, on every server that verifies clients (repeatable)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l threads -d 'Worker threads [default: the number of processors]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l access-log -d 'The access log on standard error' -r -f -a "text\t''
json\t''
off\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l context -d 'The kubeconfig\'s context [default: the one that apply recorded, else its current context]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l once -d 'Exit after the probe'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s R -l recursive -d 'Also read the subfolders of --filename'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l host-files -d 'Treat serverCertificate, privateKey and caCertificates as paths on this machine'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l strict -d 'Stop if any part of the input is ignored, missing or broken'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l cluster -d 'Use the objects of a cluster: the one that apply recorded, else the kubeconfig\'s current one'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand up" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l fail-on -d 'Exit with 1 on findings of this severity and above' -r -f -a "info\t''
warning\t''
error\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l min-severity -d 'Do not show findings below this severity; they still count' -r -f -a "info\t''
warning\t''
error\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l suppress -d 'Suppress a code, for all objects or for those that match a pattern (repeatable, or comma-separated)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l wait -d 'After --fix: how long to wait until the gateway serves what was restored' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l timeout -d 'Time limit for each query to a pod, the gateway or DNS' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l context -d 'The kubeconfig\'s context [default: the one that apply recorded, else its current context]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l retry-for -d 'How long to retry an API server that fails or is busy; one that never answered is tried three times' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l fix -d 'Apply the workspace\'s own Secrets that are missing or broken: shows them, then asks (--yes skips the question)'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l no-probe -d 'Do not connect to the ingress address'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand completions" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand man" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand schema" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s f -l filename -d 'Manifests instead of the workspace\'s: a file, a folder, or - (repeatable)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l dry-run -d 'Store nothing: client checks without a server, server has the API server check everything' -r -f -a "client\t''
server\t''"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l wait -d 'How long to wait until pods are new and ready, and the gateway serves each host\'s new certificate' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l retry-for -d 'How long to retry an API server that fails or is busy; one that never answered is tried three times' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l context -d 'The kubeconfig\'s context [default: its current context]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s R -l recursive -d 'Also read the subfolders of --filename'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l samples -d 'Also the workloads and Services of the samples that the hosts lead to'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l diff -d 'Store nothing and show what would change; exit code 1 if anything would'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l prune -d 'Delete what this workspace applied earlier and no longer contains; asks first'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l force-conflicts -d 'Take over fields that others manage, and objects of other workspaces'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l replace -d 'Delete and recreate a Secret if its type is wrong'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l no-lint -d 'Apply even if lint finds errors in the objects'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l no-wait -d 'Exit as soon as the API server has accepted the objects'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand apply" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -l wait -d 'How long to wait until what was deleted is gone: finalizers may delay it' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -l retry-for -d 'How long to retry an API server that fails or is busy; one that never answered is tried three times' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -l context -d 'The kubeconfig\'s context [default: its current context]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -l local -d 'Also delete the chains of this folder\'s hosts; without an earlier apply no cluster is used'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -l ignore-not-found -d 'Exit with 0 if there is nothing to delete'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -l dry-run -d 'Only list, and delete nothing'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -l no-cluster -d 'With --local: use no cluster, and keep the objects in it, for a cluster that no longer exists'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand delete" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l if-expires-in -d 'Only what expires within this time, such as 30d; clients with --clients, the CA with --ca, otherwise they are only reported as due; nothing to do is success' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l wait -d 'How long to wait until the gateway serves the new certificate [default: 30s; 2m if a kubelet mounts it]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l days -d 'Validity of new leaves in days [default: as long as the old one]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l signer -d 'The HOST folder with the CA\'s key, if this one has only its certificate (gen-certs --ca)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l password-file -d 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l retry-for -d 'How long to retry an API server that fails or is busy; one that never answered is tried three times' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l context -d 'The kubeconfig\'s context [default: the one that apply recorded; without one no cluster is used]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l clients -d 'Renew client certificates too'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l ca -d 'Start to replace the CA: a new root, intermediate and clients, trusted beside the old ones'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l finish -d 'Finish the replacement: the new CA issues the server leaf, the old CA is no longer trusted'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l abort -d 'Abort the replacement: restores the old CA and its clients'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l dry-run -d 'Print what would be done, and write nothing'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l password-stdin -d 'Read the password of CA keys from standard input'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l local -d 'Rotate only the files, even if apply has recorded a cluster'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l force-conflicts -d 'Take over fields of the Secrets that others manage'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand rotate" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -l expires-within -d 'Report what expires within this time, such as 30d' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -l target -d 'The gateway: `local` (the running serve of this workspace), `cluster`, or its address' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -l timeout -d 'Time limit for each phase of a probe' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -l kubeconfig -d 'The kubeconfig file [default: that of the variable KUBECONFIG, else ~/.kube/config]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -l context -d 'The kubeconfig\'s context [default: the one that apply recorded; without one no cluster is used]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -s C -l dir -d 'The workspace folder [default: the current folder]' -r -F
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -s o -l output -d 'Output format (text, json, yaml ..., depending on the command)' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -l color -d 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -s n -l namespace -d 'Namespace of objects that do not name one [default: istio-tls.yaml\'s, else default]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -l gateway-namespace -d 'Namespace of the gateway\'s pods, where credentialName is looked up [default: istio-tls.yaml\'s, else istio-system]' -r
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -l local -d 'Do not use the cluster, even if apply has recorded one'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -s q -l quiet -d 'No progress on standard error'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -s v -l verbose -d 'More detail; twice for debugging'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -l no-input -d 'Never ask a question'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -s y -l yes -d 'Answer yes to every confirmation'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand status" -s V -l version -d 'Print version'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "init" -d 'Writes istio-tls.yaml: questions on a terminal, flags otherwise'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "gen-certs" -d 'Issues a root, intermediate, server and client certificate per host'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "adopt" -d 'Takes an existing chain into the workspace'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "revoke" -d 'Revokes a client or server certificate'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "inspect" -d 'Explains certificates and keys in a file, a folder, a Secret or at a server'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "verify" -d 'Verifies a certificate chain as a client would, and reports why not'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "manifests" -d 'Prints the Secrets, Gateway and VirtualServices'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "lint" -d 'Cross-checks Gateways, VirtualServices, Secrets and certificates'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "serve" -d 'Runs the Gateway and VirtualServices in a local gateway'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "probe" -d 'Verifies TLS and mutual TLS from a client\'s side'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "request" -d 'Sends one request with everything set'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "up" -d 'Issues certificates if needed, serves, and probes'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "doctor" -d 'Examines the gateway of a cluster, reports faults and says how to fix them'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "completions" -d 'Prints the completion script of a shell'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "man" -d 'Prints the manual page of the program or of one command'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "schema" -d 'Prints a JSON Schema: of istio-tls.yaml, or of a command\'s -o json'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "apply" -d 'Applies the workspace\'s objects to a cluster'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "delete" -d 'Deletes what apply created, and nothing else'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "rotate" -d 'Renews certificates before they expire, and verifies the result'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "status" -d 'Shows every certificate: serial number, days left, and where it is served'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and not __fish_seen_subcommand_from init gen-certs adopt revoke inspect verify manifests lint serve probe request up doctor completions man schema apply delete rotate status help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c istio-tls -n "__fish_istio_tls_using_subcommand help; and __fish_seen_subcommand_from lint" -f -a "explain" -d 'Explains a code, or lists all of them'
