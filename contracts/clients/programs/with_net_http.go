// Lists connections with Go's net/http and a given token.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
)

func main() {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"client"}, "client_secret": {"a-secret"}, "scope": {"openid"},
	}
	issued, err := http.PostForm("https://ims-na1.adobelogin.com/ims/token/v3", form)
	if err != nil {
		log.Fatal(err)
	}
	defer issued.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(issued.Body).Decode(&token); err != nil {
		log.Fatal(err)
	}
	ask, err := http.NewRequest("GET", "https://platform.adobe.io/data/foundation/flowservice/connections", nil)
	if err != nil {
		log.Fatal(err)
	}
	ask.Header.Set("Authorization", "Bearer "+token.AccessToken)
	ask.Header.Set("x-api-key", "client")
	ask.Header.Set("x-gw-ims-org-id", "5C1328435BF324E90A49402A@AdobeOrg")
	ask.Header.Set("x-sandbox-name", "prod")
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}
