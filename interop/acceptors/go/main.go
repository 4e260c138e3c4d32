// A web server that takes Negotiate tokens with gokrb5 and demands a channel binding (RFC 5929), as AD FS
// does with ExtendedProtectionTokenCheck set to Require.
//
// usage: acceptor PORT CERTIFICATE KEY BOUND-CERTIFICATE KEYTAB
package main

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/service"
	"github.com/jcmturner/gokrb5/v8/spnego"
)

func main() {
	keys, err := keytab.Load(os.Args[5])
	if err != nil {
		log.Fatal(err)
	}
	settings := service.NewSettings(keys, service.DecodePAC(false))
	bound := bindingHash(os.Args[4])
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", "Negotiate")
		user, err := accept(r.Header.Get("Authorization"), settings, bound)
		if err != nil {
			log.Print(err)
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		w.Header().Del("WWW-Authenticate")
		fmt.Fprintln(w, user)
	}
	address := "127.0.0.1:" + os.Args[1]
	log.Fatal(http.ListenAndServeTLS(address, os.Args[2], os.Args[3], http.HandlerFunc(handler)))
}

func accept(authorization string, settings *service.Settings, bound []byte) (string, error) {
	if !strings.HasPrefix(authorization, "Negotiate ") {
		return "", fmt.Errorf("no token")
	}
	token, err := base64.StdEncoding.DecodeString(authorization[len("Negotiate "):])
	if err != nil {
		return "", err
	}
	var wrapped spnego.SPNEGOToken
	if err := wrapped.Unmarshal(token); err != nil {
		return "", err
	}
	var kerberos spnego.KRB5Token
	if err := kerberos.Unmarshal(wrapped.NegTokenInit.MechTokenBytes); err != nil {
		return "", err
	}
	valid, user, err := service.VerifyAPREQ(&kerberos.APReq, settings)
	if err != nil || !valid {
		return "", fmt.Errorf("refused: %v", err)
	}
	// RFC 4121 4.1.1: the length of the hash, 16, then the hash of the binding, then the flags.
	checksum := kerberos.APReq.Authenticator.Cksum.Checksum
	if len(checksum) < 24 || bytes.Equal(checksum[4:20], make([]byte, 16)) {
		return "", fmt.Errorf("no channel binding")
	}
	if !bytes.Equal(checksum[4:20], bound) {
		return "", fmt.Errorf("another channel binding")
	}
	return user.UserName() + "@" + user.Realm(), nil
}

// bindingHash hashes gss_channel_bindings_struct without addresses as RFC 4121 4.1.1.2 has it.
func bindingHash(certificate string) []byte {
	text, err := os.ReadFile(certificate)
	if err != nil {
		log.Fatal(err)
	}
	block, _ := pem.Decode(text)
	hash := sha256.Sum256(block.Bytes)
	data := append([]byte("tls-server-end-point:"), hash[:]...)
	fields := make([]byte, 20)
	binary.LittleEndian.PutUint32(fields[16:], uint32(len(data)))
	sum := md5.Sum(append(fields, data...))
	return sum[:]
}
