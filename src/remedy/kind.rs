//! Every kind of command line that the program suggests.

/// The program that a line runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// istio-tls itself.
    IstioTls,
    /// kubectl.
    Kubectl,
    /// Any other program, named by the line's first word.
    Other,
}

/// Defines [`Kind`], the list of all kinds, and the program of each.
macro_rules! kinds {
    ($($program:ident { $($(#[$doc:meta])* $kind:ident = $word:literal,)* })*) => {
        /// The purpose of a command line. Every line that is printed has a kind of its
        /// own; the tests match the kinds exhaustively and run a line of each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($($(#[$doc])* $kind,)*)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$($(Self::$kind,)*)*];

            /// The program that is run.
            pub fn program(self) -> Program {
                match self {
                    $($(Self::$kind)|* => Program::$program,)*
                }
            }

            /// Its name in JSON: `rotate-clients`.
            pub fn word(self) -> &'static str {
                match self {
                    $($(Self::$kind => $word,)*)*
                }
            }
        }
    };
}

kinds! {
    IstioTls {
        /// Adopts a chain from files and Secrets.
        Adopt = "adopt",
        /// Adopts PEM files in place of a chain.
        AdoptFiles = "adopt-files",
        /// Records a chain that is already in its folder.
        AdoptFolder = "adopt-folder",
        /// Adopts the chain of one host for another host that its certificate also names.
        AdoptForHost = "adopt-for-host",
        /// Adopts the certificate and key of a Secret.
        AdoptSecret = "adopt-secret",
        /// Applies the workspace's objects.
        Apply = "apply",
        /// Applies the workspace's objects to another cluster, and records that cluster.
        ApplyContext = "apply-context",
        /// Applies the objects in files.
        ApplyFile = "apply-file",
        /// Applies the workspace's objects and takes over fields that others manage.
        ApplyForceConflicts = "apply-force-conflicts",
        /// Applies them, and first deletes a Secret whose type differs.
        ApplyReplace = "apply-replace",
        /// Deletes the workspace's files and its objects in a cluster.
        DeleteLocal = "delete-local",
        /// Deletes only the workspace's files, if the cluster no longer exists.
        DeleteNoCluster = "delete-no-cluster",
        /// Examines a host at a cluster's gateway.
        Doctor = "doctor",
        /// Examines it, and restores the workspace's own Secrets.
        DoctorFix = "doctor-fix",
        /// Issues a chain for a host that has none.
        GenCerts = "gen-certs",
        /// Adds a client to a chain, from the same CA.
        GenCertsClient = "gen-certs-client",
        /// Signs a certificate request with a new chain that replaces an existing one and
        /// its CA.
        GenCertsCsr = "gen-certs-csr",
        /// Issues a new chain that replaces an existing one and its CA.
        GenCertsForce = "gen-certs-force",
        /// Issues a new chain with keys of another type; it replaces the existing CA.
        GenCertsKeyType = "gen-certs-key-type",
        /// Records another mode for a host that has a chain, and issues a client
        /// certificate if there is none.
        GenCertsMode = "gen-certs-mode",
        /// Adds a name to a server certificate; key and CA stay the same.
        GenCertsSan = "gen-certs-san",
        /// Lists the commands, or the arguments of one of them.
        Help = "help",
        /// Shows the contents of a file.
        InspectFile = "inspect-file",
        /// Lints the workspace.
        Lint = "lint",
        /// Lints the live objects of a cluster.
        LintCluster = "lint-cluster",
        /// Lists every lint code.
        LintExplain = "lint-explain",
        /// Fixes in files what is safe to fix.
        LintFix = "lint-fix",
        /// Lints the objects on standard input.
        LintStdin = "lint-stdin",
        /// Prints the Gateway of the workspace's hosts.
        ManifestsGateway = "manifests-gateway",
        /// Prints a ReferenceGrant and whatever else the Gateway API needs.
        ManifestsGatewayApi = "manifests-gateway-api",
        /// Prints manifests that use credentialName instead of file mounts.
        ManifestsHost = "manifests-host",
        /// Prints the Secrets of a host.
        ManifestsSecrets = "manifests-secrets",
        /// Prints the VirtualService of a host.
        ManifestsVirtualService = "manifests-virtual-service",
        /// Prints the gateway's volumes.
        ManifestsVolumes = "manifests-volumes",
        /// Probes every step of a request.
        Probe = "probe",
        /// Probes at a given address of the gateway.
        ProbeAt = "probe-at",
        /// Probes at a cluster's gateway.
        ProbeCluster = "probe-cluster",
        /// Renews the CRLs of a host.
        RevokeRenew = "revoke-renew",
        /// Renews a server certificate from the same CA.
        Rotate = "rotate",
        /// Aborts the replacement of a CA.
        RotateAbort = "rotate-abort",
        /// Updates Secrets and gateway to match the files.
        RotateBringUp = "rotate-bring-up",
        /// Starts to replace a CA.
        RotateCa = "rotate-ca",
        /// Renews client certificates too, from the same CA.
        RotateClients = "rotate-clients",
        /// Renews whatever expires soon, for every host.
        RotateDue = "rotate-due",
        /// Finishes the replacement of a CA.
        RotateFinish = "rotate-finish",
        /// Renews a server certificate, and takes over fields of its Secret that others
        /// manage.
        RotateForceConflicts = "rotate-force-conflicts",
        /// Serves the workspace on this machine.
        Serve = "serve",
        /// Serves the live objects of a cluster.
        ServeCluster = "serve-cluster",
        /// Serves the objects in files.
        ServeFile = "serve-file",
        /// Shows every certificate and where it is served.
        Status = "status",
        /// Verifies a chain as a client would.
        Verify = "verify",
    }
    Kubectl {
        /// Removes the annotation in which a Secret keeps a copy of its keys.
        KubectlAnnotate = "kubectl-annotate",
        /// Applies the objects on standard input.
        KubectlApply = "kubectl-apply",
        /// Applies the objects in files.
        KubectlApplyFiles = "kubectl-apply-files",
        /// Checks whether an action is allowed.
        KubectlAuthCanI = "kubectl-auth-can-i",
        /// Adds the permissions on standard input to the existing ones.
        KubectlAuthReconcile = "kubectl-auth-reconcile",
        /// Creates a namespace.
        KubectlCreateNamespace = "kubectl-create-namespace",
        /// Creates a role.
        KubectlCreateRole = "kubectl-create-role",
        /// Binds a role to a subject.
        KubectlCreateRoleBinding = "kubectl-create-rolebinding",
        /// Creates a Secret.
        KubectlCreateSecret = "kubectl-create-secret",
        /// Deletes an object.
        KubectlDelete = "kubectl-delete",
        /// Describes an object.
        KubectlDescribe = "kubectl-describe",
        /// Shows objects.
        KubectlGet = "kubectl-get",
        /// Shows the log of a container.
        KubectlLogs = "kubectl-logs",
        /// Changes fields of an object.
        KubectlPatch = "kubectl-patch",
        /// Forwards a port to a pod that cannot be reached by address.
        KubectlPortForward = "kubectl-port-forward",
        /// Creates or replaces a Secret.
        KubectlPutSecret = "kubectl-put-secret",
        /// Replaces or creates the objects on standard input.
        KubectlReplace = "kubectl-replace",
        /// Restarts the pods of a Deployment.
        KubectlRestart = "kubectl-restart",
        /// Shows the progress of a Deployment's rollout.
        KubectlRolloutStatus = "kubectl-rollout-status",
        /// Scales a Deployment.
        KubectlScale = "kubectl-scale",
        /// Switches to another context.
        KubectlUseContext = "kubectl-use-context",
        /// Checks whether the API server answers.
        KubectlVersion = "kubectl-version",
        /// Waits until an object is gone.
        KubectlWait = "kubectl-wait",
    }
    Other {
        /// Copies a file into a folder that may not exist yet.
        CopyFile = "copy-file",
        /// Sends a request.
        Curl = "curl",
        /// Queries the admin interface of a proxy through a port-forward.
        CurlAdmin = "curl-admin",
        /// Sends a request with a client certificate.
        CurlAsClient = "curl-as-client",
        /// Prints an object for another program.
        EchoObject = "echo-object",
        /// Runs Envoy.
        Envoy = "envoy",
        /// Shows the lines that match.
        Grep = "grep",
        /// Renders the objects of a Helm chart.
        HelmTemplate = "helm-template",
        /// Installs Istio.
        IstioctlInstall = "istioctl-install",
        /// Terminates a process.
        Kill = "kill",
        /// Renders the objects of a kustomization.
        KustomizeBuild = "kustomize-build",
        /// Creates a folder.
        MakeFolder = "make-folder",
        /// Gives LoadBalancer Services an address under minikube.
        MinikubeTunnel = "minikube-tunnel",
        /// Converts a CRL to PEM.
        OpensslCrl = "openssl-crl",
        /// Decrypts a private key into another file.
        OpensslDecrypt = "openssl-decrypt",
        /// Encrypts a private key into another file.
        OpensslEncrypt = "openssl-encrypt",
        /// Converts a certificate from DER to PEM.
        OpensslPem = "openssl-pem",
        /// Creates a key and a certificate request.
        OpensslRequest = "openssl-request",
        /// Removes a file.
        RemoveFile = "remove-file",
        /// Changes the owner of a folder's files to the user.
        TakeOwnership = "take-ownership",
    }
}
