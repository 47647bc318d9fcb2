
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
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Writes istio-tls.yaml')
            [CompletionResult]::new('gen-certs', 'gen-certs', [CompletionResultType]::ParameterValue, 'Makes a root, intermediate, server and client certificate per host')
            [CompletionResult]::new('adopt', 'adopt', [CompletionResultType]::ParameterValue, 'Takes an existing chain into the workspace')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revokes a client or server certificate')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Explains certificates and keys in a file, a folder, a Secret or at a host')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Verifies a certificate as a client would')
            [CompletionResult]::new('manifests', 'manifests', [CompletionResultType]::ParameterValue, 'Prints the Secrets, Gateway and VirtualServices')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Runs the Gateway and VirtualServices in a local gateway')
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Proves TLS and mutual TLS from a client''s side')
            [CompletionResult]::new('request', 'request', [CompletionResultType]::ParameterValue, 'Sends one request with everything set')
            [CompletionResult]::new('up', 'up', [CompletionResultType]::ParameterValue, 'Makes certificates if needed, serves, and probes')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Applies the workspace''s objects to a cluster (comes in a later release)')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Prints the completion script of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Prints the manual page of the program or of one command')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Prints the JSON Schema of istio-tls.yaml')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'istio-tls;init' {
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
        'istio-tls;adopt' {
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
        'istio-tls;revoke' {
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
        'istio-tls;inspect' {
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
        'istio-tls;verify' {
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
        'istio-tls;manifests' {
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
        'istio-tls;serve' {
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
        'istio-tls;probe' {
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
        'istio-tls;request' {
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
        'istio-tls;up' {
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
        'istio-tls;apply' {
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
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Writes istio-tls.yaml')
            [CompletionResult]::new('gen-certs', 'gen-certs', [CompletionResultType]::ParameterValue, 'Makes a root, intermediate, server and client certificate per host')
            [CompletionResult]::new('adopt', 'adopt', [CompletionResultType]::ParameterValue, 'Takes an existing chain into the workspace')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revokes a client or server certificate')
            [CompletionResult]::new('inspect', 'inspect', [CompletionResultType]::ParameterValue, 'Explains certificates and keys in a file, a folder, a Secret or at a host')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Verifies a certificate as a client would')
            [CompletionResult]::new('manifests', 'manifests', [CompletionResultType]::ParameterValue, 'Prints the Secrets, Gateway and VirtualServices')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Runs the Gateway and VirtualServices in a local gateway')
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Proves TLS and mutual TLS from a client''s side')
            [CompletionResult]::new('request', 'request', [CompletionResultType]::ParameterValue, 'Sends one request with everything set')
            [CompletionResult]::new('up', 'up', [CompletionResultType]::ParameterValue, 'Makes certificates if needed, serves, and probes')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Applies the workspace''s objects to a cluster (comes in a later release)')
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
        'istio-tls;help;serve' {
            break
        }
        'istio-tls;help;probe' {
            break
        }
        'istio-tls;help;request' {
            break
        }
        'istio-tls;help;up' {
            break
        }
        'istio-tls;help;apply' {
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
