//! Every form of command line that the program prints to be typed.

/// The program that a line starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// This one.
    IstioTls,
    /// kubectl.
    Kubectl,
    /// Any other, which the line's first word names.
    Other,
}

/// Defines [`Kind`] with its list of all, and the program of each.
macro_rules! kinds {
    ($($program:ident { $($(#[$doc:meta])* $kind:ident = $word:literal,)* })*) => {
        /// What a command line is for. Every form that is printed has a kind of its
        /// own; the tests match them exhaustively and type a line of each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($($(#[$doc])* $kind,)*)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$($(Self::$kind,)*)*];

            /// The program that is started.
            pub fn program(self) -> Program {
                match self {
                    $($(Self::$kind)|* => Program::$program,)*
                }
            }

            /// The word for it in JSON: `rotate-clients`.
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
        /// Takes in a chain of files and Secrets.
        Adopt = "adopt",
        /// Takes PEM files in place of a chain.
        AdoptFiles = "adopt-files",
        /// Records a chain that stands in its folder.
        AdoptFolder = "adopt-folder",
        /// Takes in the chain of one host for another, which its certificate names, too.
        AdoptForHost = "adopt-for-host",
        /// Takes certificate and key of a Secret into the workspace.
        AdoptSecret = "adopt-secret",
        /// Applies the workspace's objects.
        Apply = "apply",
        /// Applies the workspace's objects to another cluster, and records it.
        ApplyContext = "apply-context",
        /// Applies the objects of files.
        ApplyFile = "apply-file",
        /// Applies the workspace's objects over what others manage.
        ApplyForceConflicts = "apply-force-conflicts",
        /// Applies them, with a Secret whose type does not fit deleted first.
        ApplyReplace = "apply-replace",
        /// Deletes the workspace's files and its objects in a cluster.
        DeleteLocal = "delete-local",
        /// Deletes the workspace's files alone, where the cluster is gone.
        DeleteNoCluster = "delete-no-cluster",
        /// Looks for what is wrong with a host at a cluster's gateway.
        Doctor = "doctor",
        /// Examines it, and brings the workspace's own Secrets back.
        DoctorFix = "doctor-fix",
        /// Makes a chain for a host that has none.
        GenCerts = "gen-certs",
        /// Adds a client to a chain, of the same CA.
        GenCertsClient = "gen-certs-client",
        /// Signs a certificate request with a new chain in place of an existing one; its CA ends.
        GenCertsCsr = "gen-certs-csr",
        /// Makes a new chain in place of an existing one; its CA ends.
        GenCertsForce = "gen-certs-force",
        /// Makes a new chain with keys of another type; it ends the CA that is there.
        GenCertsKeyType = "gen-certs-key-type",
        /// Records a host's mode, and issues a client certificate where none is.
        /// Records another mode of a host that has a chain.
        GenCertsMode = "gen-certs-mode",
        /// Adds a name to a server certificate; its key and CA stay.
        GenCertsSan = "gen-certs-san",
        /// Lists the commands, or what one of them takes.
        Help = "help",
        /// Shows what a file holds.
        InspectFile = "inspect-file",
        /// Lints the workspace.
        Lint = "lint",
        /// Lints the live objects of a cluster.
        LintCluster = "lint-cluster",
        /// Lists every lint code.
        LintExplain = "lint-explain",
        /// Mends what is safe to mend in files.
        LintFix = "lint-fix",
        /// Lints the objects of standard input.
        LintStdin = "lint-stdin",
        /// Prints the Gateway of the workspace's hosts.
        ManifestsGateway = "manifests-gateway",
        /// Prints a ReferenceGrant and what else the Gateway API needs.
        ManifestsGatewayApi = "manifests-gateway-api",
        /// Prints credentialName in place of files.
        ManifestsHost = "manifests-host",
        /// Prints the Secrets of a host.
        ManifestsSecrets = "manifests-secrets",
        /// Prints the VirtualService of a host.
        ManifestsVirtualService = "manifests-virtual-service",
        /// Prints the gateway's volumes.
        ManifestsVolumes = "manifests-volumes",
        /// Asks every step of a request.
        Probe = "probe",
        /// The same at a gateway's address.
        ProbeAt = "probe-at",
        /// The same at the gateway of a cluster.
        ProbeCluster = "probe-cluster",
        /// Renews the revocation lists of a host.
        RevokeRenew = "revoke-renew",
        /// Renews a server certificate, from the same CA.
        Rotate = "rotate",
        /// Takes back the replacement of a CA.
        RotateAbort = "rotate-abort",
        /// Brings Secrets and gateway up to the files.
        RotateBringUp = "rotate-bring-up",
        /// Begins to replace a CA.
        RotateCa = "rotate-ca",
        /// Renews client certificates too, from the same CA.
        RotateClients = "rotate-clients",
        /// Renews what ends soon, of every host.
        RotateDue = "rotate-due",
        /// Ends the replacement of a CA.
        RotateFinish = "rotate-finish",
        /// Renews a server certificate, and takes over what others manage in its Secret.
        RotateForceConflicts = "rotate-force-conflicts",
        /// Serves the workspace on this machine.
        Serve = "serve",
        /// Serves the live objects of a cluster.
        ServeCluster = "serve-cluster",
        /// Serves the objects of files.
        ServeFile = "serve-file",
        /// Shows every certificate, and where it is served.
        Status = "status",
        /// Verifies a chain as a client does.
        Verify = "verify",
    }
    Kubectl {
        /// Takes a Secret's copy of its keys out of an annotation.
        KubectlAnnotate = "kubectl-annotate",
        /// Applies objects of standard input.
        KubectlApply = "kubectl-apply",
        /// Applies the objects of files.
        KubectlApplyFiles = "kubectl-apply-files",
        /// Asks whether one may do something.
        KubectlAuthCanI = "kubectl-auth-can-i",
        /// Grants the rights of standard input beside those that are there.
        KubectlAuthReconcile = "kubectl-auth-reconcile",
        /// Creates a namespace.
        KubectlCreateNamespace = "kubectl-create-namespace",
        /// Creates a role.
        KubectlCreateRole = "kubectl-create-role",
        /// Gives a role to somebody.
        KubectlCreateRoleBinding = "kubectl-create-rolebinding",
        /// Creates a Secret.
        KubectlCreateSecret = "kubectl-create-secret",
        /// Deletes an object.
        KubectlDelete = "kubectl-delete",
        /// Describes an object.
        KubectlDescribe = "kubectl-describe",
        /// Shows what is there.
        KubectlGet = "kubectl-get",
        /// Shows the log of a container.
        KubectlLogs = "kubectl-logs",
        /// Changes fields of an object.
        KubectlPatch = "kubectl-patch",
        /// Leads to a pod that no address leads to.
        KubectlPortForward = "kubectl-port-forward",
        /// Creates or replaces a Secret.
        KubectlPutSecret = "kubectl-put-secret",
        /// Replaces or creates the objects of standard input.
        KubectlReplace = "kubectl-replace",
        /// Restarts the pods of a Deployment.
        KubectlRestart = "kubectl-restart",
        /// Shows how far the new pods of a Deployment are.
        KubectlRolloutStatus = "kubectl-rollout-status",
        /// Sets how many pods a Deployment is to have.
        KubectlScale = "kubectl-scale",
        /// Makes a context the current one.
        KubectlUseContext = "kubectl-use-context",
        /// Shows whether the API server answers.
        KubectlVersion = "kubectl-version",
        /// Waits until an object is gone.
        KubectlWait = "kubectl-wait",
    }
    Other {
        /// Copies a file into a folder that may be missing.
        CopyFile = "copy-file",
        /// Sends a request.
        Curl = "curl",
        /// Asks the admin interface of a proxy through a port-forward.
        CurlAdmin = "curl-admin",
        /// Sends a request with a client's certificate.
        CurlAsClient = "curl-as-client",
        /// Prints an object for another program.
        EchoObject = "echo-object",
        /// Runs Envoy.
        Envoy = "envoy",
        /// Shows the lines that name something.
        Grep = "grep",
        /// Makes objects of a Helm chart.
        HelmTemplate = "helm-template",
        /// Installs Istio.
        IstioctlInstall = "istioctl-install",
        /// Ends a process.
        Kill = "kill",
        /// Makes objects of a kustomization.
        KustomizeBuild = "kustomize-build",
        /// Makes a folder.
        MakeFolder = "make-folder",
        /// Gives the LoadBalancers of minikube addresses.
        MinikubeTunnel = "minikube-tunnel",
        /// Converts a revocation list to PEM.
        OpensslCrl = "openssl-crl",
        /// Decrypts a private key into another file.
        OpensslDecrypt = "openssl-decrypt",
        /// Encrypts a private key into another file.
        OpensslEncrypt = "openssl-encrypt",
        /// Converts a certificate from DER to PEM.
        OpensslPem = "openssl-pem",
        /// Makes a key and a certificate request.
        OpensslRequest = "openssl-request",
        /// Removes a file.
        RemoveFile = "remove-file",
        /// Makes a folder's files one's own.
        TakeOwnership = "take-ownership",
    }
}
