#!/bin/sh
# Makes the zoo's certificates with openssl, in the folder given: one root, one
# intermediate, and every way in which a chain can be broken.
# Usage: certificates.sh FOLDER
set -eu
cd "$1"

cat > openssl.cnf <<'CNF'
[ca]
default_ca = any
[any]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
default_days = 30
default_crl_days = 30
policy = policy
[policy]
commonName = supplied
[req]
distinguished_name = dn
prompt = no
[dn]
CN = unused
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = DNS:zoo.example.com
authorityKeyIdentifier = keyid
[elsewhere]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:elsewhere.example.com
[nosan]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
[caleaf]
basicConstraints = critical,CA:TRUE
keyUsage = critical,digitalSignature,keyCertSign
extendedKeyUsage = serverAuth
subjectAltName = DNS:zoo.example.com
[client]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = DNS:zoo.example.com
CNF
: > index.txt

ec() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null; }
rsa() { openssl genrsa -out "$1.key" "$2" 2>/dev/null; }
request() { openssl req -new -config openssl.cnf -key "$1.key" -subj "/CN=$2" -out "$1.csr"; }
self() { openssl req -x509 -new -config openssl.cnf -extensions "$3" -key "$1.key" -subj "/CN=$2" -days 30 -out "$1.pem"; }
# sign NAME ISSUER EXTENSIONS [further options]
sign() {
  name=$1 issuer=$2 extensions=$3; shift 3
  openssl ca -batch -notext -config openssl.cnf -extensions "$extensions" -cert "$issuer.pem" -keyfile "$issuer.key" \
    -in "$name.csr" -out "$name.pem" "$@" 2>>openssl.log
}
# leaf NAME ISSUER EXTENSIONS [further options]
leaf() { ec "$1"; request "$1" zoo.example.com; sign "$@"; }

PAST="-startdate 20200101000000Z -enddate 20210101000000Z"
FUTURE="-startdate 20480101000000Z -enddate 20490101000000Z"

ec root; self root "Zoo Root" root
ec intermediate; request intermediate "Zoo Intermediate"; sign intermediate root intermediate
ec old; request old "Old Intermediate"; sign old root intermediate $PAST
ec strange; self strange "Strange Root" root

leaf good intermediate server
leaf expired intermediate server $PAST
leaf underold old server
leaf future intermediate server $FUTURE
leaf elsewhere intermediate elsewhere
leaf nosan intermediate nosan
leaf unknown strange server
leaf caleaf intermediate caleaf
leaf purpose intermediate client
leaf sha1 intermediate server -md sha1
leaf revoked intermediate server
ec selfsigned; self selfsigned zoo.example.com server
rsa weak 1024; request weak zoo.example.com; sign weak intermediate server
rsa rsa 2048; request rsa zoo.example.com; sign rsa intermediate server
ec v1; request v1 zoo.example.com
openssl x509 -req -in v1.csr -CA intermediate.pem -CAkey intermediate.key -CAcreateserial -days 30 -out v1.pem 2>>openssl.log

leaf client intermediate client
leaf clientexpired intermediate client $PAST
leaf clientstrange strange client
openssl pkey -in client.key -aes256 -passout pass:secret -out clientencrypted.key

openssl ca -config openssl.cnf -cert intermediate.pem -keyfile intermediate.key -revoke revoked.pem 2>>openssl.log
openssl ca -config openssl.cnf -cert intermediate.pem -keyfile intermediate.key -gencrl -out intermediate.crl 2>>openssl.log
openssl ca -config openssl.cnf -cert root.pem -keyfile root.key -gencrl -out root.crl 2>>openssl.log
cat intermediate.crl root.crl > all.crl

cat root.pem intermediate.pem > rootfirst.pem
cat intermediate.pem root.pem > authorities.pem
