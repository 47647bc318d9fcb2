
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'istio-tls' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'istio-tls'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'istio-tls' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Writes istio-tls.yaml: questions on a terminal, flags otherwise')
            [CompletionResult]::new('gen-certs', 'gen-certs', [CompletionResultType]::ParameterValue, 'Makes a root, intermediate, server and client certificate per host')
            [CompletionResult]::new('adopt', 'adopt', [CompletionResultType]::ParameterValue, 'Takes an existing chain into the workspace')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revokes a client or server certificate')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Explains certificates and keys in a file, a folder or at a server')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Verifies a certificate chain as a client would, and says why not')
            [CompletionResult]::new('manifests', 'manifests', [CompletionResultType]::ParameterValue, 'Prints the Secrets, Gateway and VirtualServices')
            [CompletionResult]::new('lint', 'lint', [CompletionResultType]::ParameterValue, 'Cross-checks Gateways, VirtualServices, Secrets and certificates')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Runs the Gateway and VirtualServices in a local gateway')
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Proves TLS and mutual TLS from a client''s side')
            [CompletionResult]::new('request', 'request', [CompletionResultType]::ParameterValue, 'Sends one request with everything set')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Shows every certificate: serial, days left, and where it is served')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Replaces certificates before they expire, and proves it')
            [CompletionResult]::new('up', 'up', [CompletionResultType]::ParameterValue, 'Makes certificates if needed, serves, and probes')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Applies the workspace''s objects to a cluster')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Deletes what apply made, and nothing else')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Prints the completion script of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Prints the manual page of the program or of one command')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Prints the JSON Schema of istio-tls.yaml')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'istio-tls;init' {
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'A host to list (repeatable); gen-certs makes its chain')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'How clients are authenticated [default: mutual]')
            [CompletionResult]::new('--secrets', '--secrets', [CompletionResultType]::ParameterName, 'How the gateway gets certificates and keys [default: credential]')
            [CompletionResult]::new('--istio', '--istio', [CompletionResultType]::ParameterName, 'Which Istio the manifests are for [default: latest]')
            [CompletionResult]::new('--gateway-name', '--gateway-name', [CompletionResultType]::ParameterName, 'The Gateway''s name [default: mygateway]')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'A label of the gateway''s pods (repeatable) [default: istio=ingressgateway]')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;gen-certs' {
            [CompletionResult]::new('--hosts-file', '--hosts-file', [CompletionResultType]::ParameterName, 'Further hosts, one a line (- for standard input; # begins a comment); relative to the current folder, not to -C')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'How the gateway treats client certificates; recorded in istio-tls.yaml [default: mutual]')
            [CompletionResult]::new('--client', '--client', [CompletionResultType]::ParameterName, 'A further client certificate (repeatable); on an existing chain only this client is added')
            [CompletionResult]::new('--key-type', '--key-type', [CompletionResultType]::ParameterName, 'Type of all keys')
            [CompletionResult]::new('--days', '--days', [CompletionResultType]::ParameterName, 'Days for which server and client certificates are valid [default: 365]')
            [CompletionResult]::new('--not-before', '--not-before', [CompletionResultType]::ParameterName, 'Beginning of their validity: 2026-01-31 or RFC 3339 [default: one hour ago]')
            [CompletionResult]::new('--not-after', '--not-after', [CompletionResultType]::ParameterName, 'End of their validity')
            [CompletionResult]::new('--san', '--san', [CompletionResultType]::ParameterName, 'A further name of the server certificate (repeatable): DNS name, IP address, URI or email address')
            [CompletionResult]::new('--subject', '--subject', [CompletionResultType]::ParameterName, 'Attributes of the subjects, as C=US,O=Shop')
            [CompletionResult]::new('--csr', '--csr', [CompletionResultType]::ParameterName, 'Sign the server certificate for the key of this PKCS#10 request (a path from the current folder); no server key is made')
            [CompletionResult]::new('--bad', '--bad', [CompletionResultType]::ParameterName, 'Make the server certificate deliberately wrong, for tests')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Sign with the intermediate of an existing chain: its HOST folder, in the workspace or the current folder')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'One root for many hosts, made in DIR if there is none; relative to the current folder, not to -C')
            [CompletionResult]::new('--name-constraints', '--name-constraints', [CompletionResultType]::ParameterName, 'Limit what the new CAs may sign for (repeatable): a domain, or an address range such as 10.0.0.0/8')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace chains that exist already; their clients are made anew too')
            [CompletionResult]::new('--skip-existing', '--skip-existing', [CompletionResultType]::ParameterName, 'Make only the chains that do not exist yet')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be made, and write nothing')
            [CompletionResult]::new('--compat', '--compat', [CompletionResultType]::ParameterName, 'The choices of the Istio task page''s generate.sh: RSA, 20/10/1 years, C=US ST=Denial L=Springfield O=Dis')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password of CA keys from standard input')
            [CompletionResult]::new('--pkcs12', '--pkcs12', [CompletionResultType]::ParameterName, 'Also write each client as a PKCS#12 bundle for browsers (its password: the one given, else changeit)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;adopt' {
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'The host to adopt the certificate for [default: its first name]')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'How the gateway treats client certificates [default: simple without a client certificate, else mutual]')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace the chain that the workspace has of this host')
            [CompletionResult]::new('--accept-faults', '--accept-faults', [CompletionResultType]::ParameterName, 'Adopt although the chain does not verify (expired, no SAN ...); the key must fit all the same')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be copied, and write nothing')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password of CA keys from standard input')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;revoke' {
            [CompletionResult]::new('--client', '--client', [CompletionResultType]::ParameterName, 'Revoke this client''s certificate')
            [CompletionResult]::new('--serial', '--serial', [CompletionResultType]::ParameterName, 'Revoke the certificate of this serial number (hex, as inspect shows it)')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('--renew', '--renew', [CompletionResultType]::ParameterName, 'Revoke nothing more, but sign the lists anew before they end (a year after they were signed)')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password of CA keys from standard input')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;inspect' {
            [CompletionResult]::new('--sni', '--sni', [CompletionResultType]::ParameterName, 'The server name to ask HOST:PORT for')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password of CA keys from standard input')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;verify' {
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'The name that the server certificate must hold [default: the tree''s host, or HOST of HOST:PORT]')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Trust the certificates of this file; repeatable [default: the tree''s root, else the system''s CAs]')
            [CompletionResult]::new('--intermediate', '--intermediate', [CompletionResultType]::ParameterName, 'Intermediates that the verifier has beside those in TARGET; repeatable')
            [CompletionResult]::new('--crl', '--crl', [CompletionResultType]::ParameterName, 'Revocation lists; repeatable [default: the tree''s]')
            [CompletionResult]::new('--purpose', '--purpose', [CompletionResultType]::ParameterName, 'For what the leaf must be good [default: server; for a tree, both]')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password of CA keys from standard input')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;manifests' {
            [CompletionResult]::new('--out', '--out', [CompletionResultType]::ParameterName, 'Write files into this folder, in place of standard output (those with keys readable by you only)')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Only these parts, with commas')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'How clients are authenticated [default: istio-tls.yaml''s]')
            [CompletionResult]::new('--secrets', '--secrets', [CompletionResultType]::ParameterName, 'How Secrets reach the gateway [default: istio-tls.yaml''s, else credential]')
            [CompletionResult]::new('--istio', '--istio', [CompletionResultType]::ParameterName, 'The Istio that reads the objects [default: istio-tls.yaml''s, else latest]')
            [CompletionResult]::new('--gateway-name', '--gateway-name', [CompletionResultType]::ParameterName, 'Name of the Gateway [default: istio-tls.yaml''s, else mygateway]')
            [CompletionResult]::new('--credential-name', '--credential-name', [CompletionResultType]::ParameterName, 'Name of the credential Secret, for one HOST [default: the recorded one]')
            [CompletionResult]::new('--route', '--route', [CompletionResultType]::ParameterName, 'Where paths lead, for one HOST (repeatable) [default: the recorded routes]')
            [CompletionResult]::new('--api', '--api', [CompletionResultType]::ParameterName, 'The API of gateways and routes')
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Certificates issued and renewed in the cluster, by the host''s intermediate')
            [CompletionResult]::new('--secret-namespace', '--secret-namespace', [CompletionResultType]::ParameterName, 'Namespace of the Secrets: the same as --gateway-namespace')
            [CompletionResult]::new('--export', '--export', [CompletionResultType]::ParameterName, 'In place of objects, the configuration of a gateway without Istio')
            [CompletionResult]::new('--upstream', '--upstream', [CompletionResultType]::ParameterName, 'Where a Service''s requests go in that configuration (repeatable) [default: the Service''s name]')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('--samples', '--samples', [CompletionResultType]::ParameterName, 'Also the workloads and Services of the samples that the hosts lead to')
            [CompletionResult]::new('--helm-values', '--helm-values', [CompletionResultType]::ParameterName, 'The volumes of file-mount style as values of Istio''s Helm chart, and nothing else')
            [CompletionResult]::new('--no-lint', '--no-lint', [CompletionResultType]::ParameterName, 'Make the objects even when lint finds errors in them')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;lint' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'The same as FILE|DIR (repeatable)')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'The same as FILE|DIR (repeatable)')
            [CompletionResult]::new('--certs', '--certs', [CompletionResultType]::ParameterName, 'Secrets: a HOST folder of gen-certs, or a folder with SECRET/KEY files (repeatable)')
            [CompletionResult]::new('--istio', '--istio', [CompletionResultType]::ParameterName, 'The Istio that reads the objects [default: istio-tls.yaml''s, else latest]')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'End with 1 on findings of this severity and above')
            [CompletionResult]::new('--min-severity', '--min-severity', [CompletionResultType]::ParameterName, 'Do not show findings below this severity; they count all the same')
            [CompletionResult]::new('--suppress', '--suppress', [CompletionResultType]::ParameterName, 'Leave out a code, for all objects or for those that fit a pattern (repeatable, with commas)')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Also the folders in folders')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Also the folders in folders')
            [CompletionResult]::new('--fix', '--fix', [CompletionResultType]::ParameterName, 'Mend what is safe to mend by machine: shows a diff, then asks (--yes does not ask)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Explains a code, or lists all of them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'istio-tls;lint;explain' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;lint;help' {
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Explains a code, or lists all of them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'istio-tls;lint;help;explain' {
            break
        }
        'istio-tls;lint;help;help' {
            break
        }
        'istio-tls;serve' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Manifests: a file, a folder of them, or - for standard input (repeatable) [default: the workspace]')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'Manifests: a file, a folder of them, or - for standard input (repeatable) [default: the workspace]')
            [CompletionResult]::new('--port-map', '--port-map', [CompletionResultType]::ParameterName, 'Where a Gateway''s port is opened on this machine, as 443=9443 (repeatable; 0 lets the system choose)')
            [CompletionResult]::new('--bind', '--bind', [CompletionResultType]::ParameterName, 'The address on which the Gateways'' ports are opened')
            [CompletionResult]::new('--admin', '--admin', [CompletionResultType]::ParameterName, 'The address of the admin (/certs, /config_dump, /ready, /stats/prometheus, /logging), or off')
            [CompletionResult]::new('--upstream', '--upstream', [CompletionResultType]::ParameterName, 'Where a Service''s requests go, as httpbin:8000=http://127.0.0.1:9000; also https:// and h2c:// (repeatable)')
            [CompletionResult]::new('--upstream-cacert', '--upstream-cacert', [CompletionResultType]::ParameterName, 'Verify https:// upstreams by the certificates of this PEM file (repeatable) [default: the system''s]')
            [CompletionResult]::new('--certs', '--certs', [CompletionResultType]::ParameterName, 'Secrets: a HOST folder of gen-certs, or a folder with SECRET/KEY files (repeatable)')
            [CompletionResult]::new('--crl', '--crl', [CompletionResultType]::ParameterName, 'Refuse client certificates that these lists name, on every server that verifies clients (repeatable)')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Worker threads [default: the number of processors]')
            [CompletionResult]::new('--access-log', '--access-log', [CompletionResultType]::ParameterName, 'The access log on standard error')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Also the folders in folders of --filename')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Also the folders in folders of --filename')
            [CompletionResult]::new('--host-files', '--host-files', [CompletionResultType]::ParameterName, 'Take serverCertificate, privateKey and caCertificates for paths of this machine')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Stop when anything of the input is ignored, missing or broken')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;probe' {
            [CompletionResult]::new('--path', '--path', [CompletionResultType]::ParameterName, 'The path to ask for [default: the sample''s, else /]')
            [CompletionResult]::new('--expect-status', '--expect-status', [CompletionResultType]::ParameterName, 'The status to expect [default: the sample''s, else any below 500 but the gateway''s own 404]')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Try failed checks again for so long, as a new Secret takes time to reach the gateway')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Go on until interrupted, and tell when something changes')
            [CompletionResult]::new('--target', '--target', [CompletionResultType]::ParameterName, 'The gateway: `local` (the running serve of this workspace), `cluster`, or its address')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Go to ADDR for HOST and PORT, as curl does; repeatable')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Trust the certificates of this PEM file [default: the workspace''s root of the host, else the system''s]')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'The client''s certificate chain [default: the workspace''s client of the host]')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The client''s key [default: in the file of --cert]')
            [CompletionResult]::new('--key-password-file', '--key-password-file', [CompletionResultType]::ParameterName, 'The password of an encrypted --key stands in this file')
            [CompletionResult]::new('--crl', '--crl', [CompletionResultType]::ParameterName, 'Refuse certificates that this CRL lists; repeatable')
            [CompletionResult]::new('--sni', '--sni', [CompletionResultType]::ParameterName, 'The server name to send [default: the host]')
            [CompletionResult]::new('--alpn', '--alpn', [CompletionResultType]::ParameterName, 'The protocol to demand by ALPN, as h2 or http/1.1 [default: either]')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'Offer only this TLS version [default: both]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The longest that one phase may take')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file [default: the variable KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The kubeconfig''s context [default: its current context]')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('--mtls', '--mtls', [CompletionResultType]::ParameterName, 'Prove mutual TLS: refused without a certificate and served with one, in TLS 1.2 and 1.3')
            [CompletionResult]::new('--coalesce', '--coalesce', [CompletionResultType]::ParameterName, 'Also ask for each host over the HTTP/2 connection of another whose certificate names both, as browsers do')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Check every address that a name has, not only the first that connects')
            [CompletionResult]::new('--print-env', '--print-env', [CompletionResultType]::ParameterName, 'Dial nothing: print INGRESS_HOST, INGRESS_PORT and SECURE_INGRESS_PORT for a shell to eval')
            [CompletionResult]::new('--no-client-cert', '--no-client-cert', [CompletionResultType]::ParameterName, 'Send no client certificate')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;request' {
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'The method [default: GET, with -d POST]')
            [CompletionResult]::new('--request', '--request', [CompletionResultType]::ParameterName, 'The method [default: GET, with -d POST]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'A header, as ''Name: value''; repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'A header, as ''Name: value''; repeatable')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'The body; @FILE reads it from a file')
            [CompletionResult]::new('--data', '--data', [CompletionResultType]::ParameterName, 'The body; @FILE reads it from a file')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'Print the line for this program instead of sending')
            [CompletionResult]::new('--target', '--target', [CompletionResultType]::ParameterName, 'The gateway: `local` (the running serve of this workspace), `cluster`, or its address')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Go to ADDR for HOST and PORT, as curl does; repeatable')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Trust the certificates of this PEM file [default: the workspace''s root of the host, else the system''s]')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'The client''s certificate chain [default: the workspace''s client of the host]')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The client''s key [default: in the file of --cert]')
            [CompletionResult]::new('--key-password-file', '--key-password-file', [CompletionResultType]::ParameterName, 'The password of an encrypted --key stands in this file')
            [CompletionResult]::new('--crl', '--crl', [CompletionResultType]::ParameterName, 'Refuse certificates that this CRL lists; repeatable')
            [CompletionResult]::new('--sni', '--sni', [CompletionResultType]::ParameterName, 'The server name to send [default: the host]')
            [CompletionResult]::new('--alpn', '--alpn', [CompletionResultType]::ParameterName, 'The protocol to demand by ALPN, as h2 or http/1.1 [default: either]')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'Offer only this TLS version [default: both]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The longest that one phase may take')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file [default: the variable KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The kubeconfig''s context [default: its current context]')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Print the answer''s status line and headers too')
            [CompletionResult]::new('--include', '--include', [CompletionResultType]::ParameterName, 'Print the answer''s status line and headers too')
            [CompletionResult]::new('--no-client-cert', '--no-client-cert', [CompletionResultType]::ParameterName, 'Send no client certificate')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;status' {
            [CompletionResult]::new('--expires-within', '--expires-within', [CompletionResultType]::ParameterName, 'What ends within this time, as 30d, is a finding')
            [CompletionResult]::new('--target', '--target', [CompletionResultType]::ParameterName, 'The gateway: `local` (the running serve of this workspace), `cluster`, or its address')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'The longest that one phase of asking the gateway may take')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;rotate' {
            [CompletionResult]::new('--if-expires-in', '--if-expires-in', [CompletionResultType]::ParameterName, 'Only what ends within this time, as 30d; nothing to do is success')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'How long the running gateway may take to serve the new certificate')
            [CompletionResult]::new('--days', '--days', [CompletionResultType]::ParameterName, 'Days for which new leaves are valid [default: as long as the old one]')
            [CompletionResult]::new('--signer', '--signer', [CompletionResultType]::ParameterName, 'The HOST folder that holds the CA''s key, where this one holds its certificate only (gen-certs --ca)')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('--clients', '--clients', [CompletionResultType]::ParameterName, 'Make new client certificates too')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Begin to replace the CA: a new root, intermediate and clients, trusted beside the old ones')
            [CompletionResult]::new('--finish', '--finish', [CompletionResultType]::ParameterName, 'End it: the server leaf comes from the new CA, the old CA is trusted no more')
            [CompletionResult]::new('--abort', '--abort', [CompletionResultType]::ParameterName, 'Take it back: the old CA and its clients, as before --ca')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print what would be done, and write nothing')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password of CA keys from standard input')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;up' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Manifests: a file, a folder of them, or - for standard input (repeatable) [default: the workspace]')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'Manifests: a file, a folder of them, or - for standard input (repeatable) [default: the workspace]')
            [CompletionResult]::new('--port-map', '--port-map', [CompletionResultType]::ParameterName, 'Where a Gateway''s port is opened on this machine, as 443=9443 (repeatable; 0 lets the system choose)')
            [CompletionResult]::new('--bind', '--bind', [CompletionResultType]::ParameterName, 'The address on which the Gateways'' ports are opened')
            [CompletionResult]::new('--admin', '--admin', [CompletionResultType]::ParameterName, 'The address of the admin (/certs, /config_dump, /ready, /stats/prometheus, /logging), or off')
            [CompletionResult]::new('--upstream', '--upstream', [CompletionResultType]::ParameterName, 'Where a Service''s requests go, as httpbin:8000=http://127.0.0.1:9000; also https:// and h2c:// (repeatable)')
            [CompletionResult]::new('--upstream-cacert', '--upstream-cacert', [CompletionResultType]::ParameterName, 'Verify https:// upstreams by the certificates of this PEM file (repeatable) [default: the system''s]')
            [CompletionResult]::new('--certs', '--certs', [CompletionResultType]::ParameterName, 'Secrets: a HOST folder of gen-certs, or a folder with SECRET/KEY files (repeatable)')
            [CompletionResult]::new('--crl', '--crl', [CompletionResultType]::ParameterName, 'Refuse client certificates that these lists name, on every server that verifies clients (repeatable)')
            [CompletionResult]::new('--threads', '--threads', [CompletionResultType]::ParameterName, 'Worker threads [default: the number of processors]')
            [CompletionResult]::new('--access-log', '--access-log', [CompletionResultType]::ParameterName, 'The access log on standard error')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'End after the probe')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Also the folders in folders of --filename')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Also the folders in folders of --filename')
            [CompletionResult]::new('--host-files', '--host-files', [CompletionResultType]::ParameterName, 'Take serverCertificate, privateKey and caCertificates for paths of this machine')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Stop when anything of the input is ignored, missing or broken')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;apply' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Manifests in place of the workspace''s: a file, a folder, or - (repeatable)')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'Manifests in place of the workspace''s: a file, a folder, or - (repeatable)')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Store nothing: client asks no server, server lets it check everything')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'How long to wait until pods are new and the gateway serves each host''s new certificate')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file [default: the variable KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The kubeconfig''s context [default: its current context]')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long an API server that fails or is busy is asked again')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Also the folders in folders of --filename')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Also the folders in folders of --filename')
            [CompletionResult]::new('--samples', '--samples', [CompletionResultType]::ParameterName, 'Also the workloads and Services of the samples that the hosts lead to')
            [CompletionResult]::new('--diff', '--diff', [CompletionResultType]::ParameterName, 'Store nothing and show what would change; exit code 1 when something would')
            [CompletionResult]::new('--prune', '--prune', [CompletionResultType]::ParameterName, 'Delete what this workspace applied earlier and does not hold any more')
            [CompletionResult]::new('--force-conflicts', '--force-conflicts', [CompletionResultType]::ParameterName, 'Take over fields that others manage, and objects of other workspaces')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Delete and make anew a Secret whose type cannot hold what is wanted')
            [CompletionResult]::new('--no-lint', '--no-lint', [CompletionResultType]::ParameterName, 'Apply even when lint finds errors in the objects')
            [CompletionResult]::new('--no-wait', '--no-wait', [CompletionResultType]::ParameterName, 'End as soon as the API server has taken the objects')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;delete' {
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'The kubeconfig file [default: the variable KUBECONFIG, else ~/.kube/config]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The kubeconfig''s context [default: its current context]')
            [CompletionResult]::new('--retry-for', '--retry-for', [CompletionResultType]::ParameterName, 'How long an API server that fails or is busy is asked again')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('--local', '--local', [CompletionResultType]::ParameterName, 'Also the chains of this folder''s hosts; without an earlier apply no cluster is asked')
            [CompletionResult]::new('--ignore-not-found', '--ignore-not-found', [CompletionResultType]::ParameterName, 'Nothing to delete is no failure')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'List, and delete nothing')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;completions' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;man' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;schema' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The workspace folder [default: the current folder]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format (text, json, yaml ... as the command has them)')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour (NO_COLOR, CLICOLOR_FORCE and TERM=dumb are respected)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of objects that name none [default: istio-tls.yaml''s, else default]')
            [CompletionResult]::new('--gateway-namespace', '--gateway-namespace', [CompletionResultType]::ParameterName, 'Namespace of the gateway''s pods, where credentialName is looked up [default: istio-tls.yaml''s, else istio-system]')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No progress on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'More detail; twice for debugging')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to every confirmation')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'istio-tls;help' {
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Writes istio-tls.yaml: questions on a terminal, flags otherwise')
            [CompletionResult]::new('gen-certs', 'gen-certs', [CompletionResultType]::ParameterValue, 'Makes a root, intermediate, server and client certificate per host')
            [CompletionResult]::new('adopt', 'adopt', [CompletionResultType]::ParameterValue, 'Takes an existing chain into the workspace')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revokes a client or server certificate')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Explains certificates and keys in a file, a folder or at a server')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Verifies a certificate chain as a client would, and says why not')
            [CompletionResult]::new('manifests', 'manifests', [CompletionResultType]::ParameterValue, 'Prints the Secrets, Gateway and VirtualServices')
            [CompletionResult]::new('lint', 'lint', [CompletionResultType]::ParameterValue, 'Cross-checks Gateways, VirtualServices, Secrets and certificates')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Runs the Gateway and VirtualServices in a local gateway')
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Proves TLS and mutual TLS from a client''s side')
            [CompletionResult]::new('request', 'request', [CompletionResultType]::ParameterValue, 'Sends one request with everything set')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Shows every certificate: serial, days left, and where it is served')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Replaces certificates before they expire, and proves it')
            [CompletionResult]::new('up', 'up', [CompletionResultType]::ParameterValue, 'Makes certificates if needed, serves, and probes')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Applies the workspace''s objects to a cluster')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Deletes what apply made, and nothing else')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Prints the completion script of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Prints the manual page of the program or of one command')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Prints the JSON Schema of istio-tls.yaml')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'istio-tls;help;init' {
            break
        }
        'istio-tls;help;gen-certs' {
            break
        }
        'istio-tls;help;adopt' {
            break
        }
        'istio-tls;help;revoke' {
            break
        }
        'istio-tls;help;inspect' {
            break
        }
        'istio-tls;help;verify' {
            break
        }
        'istio-tls;help;manifests' {
            break
        }
        'istio-tls;help;lint' {
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Explains a code, or lists all of them')
            break
        }
        'istio-tls;help;lint;explain' {
            break
        }
        'istio-tls;help;serve' {
            break
        }
        'istio-tls;help;probe' {
            break
        }
        'istio-tls;help;request' {
            break
        }
        'istio-tls;help;status' {
            break
        }
        'istio-tls;help;rotate' {
            break
        }
        'istio-tls;help;up' {
            break
        }
        'istio-tls;help;apply' {
            break
        }
        'istio-tls;help;delete' {
            break
        }
        'istio-tls;help;completions' {
            break
        }
        'istio-tls;help;man' {
            break
        }
        'istio-tls;help;schema' {
            break
        }
        'istio-tls;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
