// list.go -- users of a SCIM source; go build -o list list.go
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

type object map[string]any

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	var request struct{ Config struct{ BaseURL, Token, CaBundle string } }
	var page struct{ Resources []struct{ ID, UserName string } }
	check(json.NewDecoder(os.Stdin).Decode(&request))
	config, results := request.Config, json.NewEncoder(os.NewFile(3, "results"))
	roots, err := x509.SystemCertPool()
	check(err)
	roots.AppendCertsFromPEM([]byte(config.CaBundle))
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	query, err := http.NewRequest("GET", config.BaseURL+"/Users?count=100", nil)
	check(err)
	query.Header.Set("Authorization", "Bearer "+config.Token)
	answer, err := client.Do(query)
	check(err)
	check(json.NewDecoder(answer.Body).Decode(&page))
	for _, u := range page.Resources {
		data := object{"key": object{"simple": object{"id": u.ID}}, "attributes": object{"name": u.UserName}}
		check(results.Encode(object{"type": "output", "data": data}))
	}
}
