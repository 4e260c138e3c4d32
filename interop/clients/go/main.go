// One sign-in with MSAL Go: `client password|devicecode|web USER`, the password in INTEROP_PASSWORD.
// For another device and in the browser, `silentry-lab sign-in` is the user.
//
// Prints one line of JSON: who signed in and what the cache and the refresh token were good for, or the
// error as MSAL reports it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

var (
	scopes   = []string{os.Getenv("SILENTRY_SCOPE")}
	otherAPI = []string{"https://graph.microsoft.com/User.Read"}
)

// MSAL Go has no other way to have a token refreshed that is still valid.
const anyClaims = `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`

func atBrowser(user string, words ...string) error {
	command := exec.Command("silentry-lab", append([]string{"sign-in", "--user", user}, words...)...)
	command.Stderr = os.Stderr
	return command.Start()
}

func firstToken(ctx context.Context, app public.Client, flow, user string) (public.AuthResult, error) {
	switch flow {
	case "devicecode":
		code, err := app.AcquireTokenByDeviceCode(ctx, scopes)
		if err != nil {
			return public.AuthResult{}, err
		}
		if err := atBrowser(user, "--code", code.Result.UserCode); err != nil {
			return public.AuthResult{}, err
		}
		return code.AuthenticationResult(ctx)
	case "web":
		open := func(url string) error { return atBrowser(user, url) }
		return app.AcquireTokenInteractive(ctx, scopes, public.WithOpenURL(open))
	default:
		return app.AcquireTokenByUsernamePassword(ctx, scopes, user, os.Getenv("INTEROP_PASSWORD"))
	}
}

func signIn(app public.Client, flow, user string) (map[string]any, error) {
	ctx := context.Background()
	first, err := firstToken(ctx, app, flow, user)
	if err != nil {
		return nil, err
	}
	account := public.WithSilentAccount(first.Account)
	cached, err := app.AcquireTokenSilent(ctx, scopes, account)
	if err != nil {
		return nil, fmt.Errorf("from the cache: %w", err)
	}
	fresh, err := app.AcquireTokenSilent(ctx, scopes, account, public.WithClaims(anyClaims))
	if err != nil {
		return nil, fmt.Errorf("refreshing: %w", err)
	}
	other, err := app.AcquireTokenSilent(ctx, otherAPI, account)
	if err != nil {
		return nil, fmt.Errorf("for another API: %w", err)
	}
	return map[string]any{
		"user":      first.Account.PreferredUsername,
		"cached":    cached.AccessToken == first.AccessToken,
		"refreshed": fresh.AccessToken != first.AccessToken,
		"other_api": other.AccessToken != first.AccessToken && other.AccessToken != fresh.AccessToken,
	}, nil
}

func main() {
	authority := "https://login.microsoftonline.com/" + os.Getenv("SILENTRY_TENANT")
	app, err := public.New(os.Getenv("SILENTRY_CLIENT_ID"), public.WithAuthority(authority))
	if err != nil {
		panic(err)
	}
	answer, err := signIn(app, os.Args[1], os.Args[2])
	if err != nil {
		answer = map[string]any{"error": fmt.Sprintf("%T", err), "description": err.Error()}
	}
	answer["version"] = version()
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}

func version() string {
	built, _ := debug.ReadBuildInfo()
	for _, module := range built.Deps {
		if strings.HasSuffix(module.Path, "/microsoft-authentication-library-for-go") {
			return fmt.Sprintf("%s, %s", module.Version, runtime.Version())
		}
	}
	return "?"
}
