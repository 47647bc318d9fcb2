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
        /// A chain for a host that has none.
        GenCerts = "gen-certs",
        /// New leaves of the same CA.
        Rotate = "rotate",
    }
    Kubectl {
        /// What is there.
        KubectlGet = "kubectl-get",
    }
    Other {
        /// Decrypts a private key into another file.
        OpensslDecrypt = "openssl-decrypt",
    }
}
