// Uses a token cache in a file that other programs use, too: `Cache.dll FILE sign-in|silent|refresh USER`.
//
// Prints one line of JSON: whose token it got, a hash of it, whether it came from the cache, and how many accounts
// the cache has. The password is in INTEROP_PASSWORD.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using Microsoft.Identity.Client;

#pragma warning disable 618 // MSAL.NET has marked passwords obsolete.

public static class Cache
{
    public static void Main(string[] arguments)
    {
        Console.WriteLine(JsonSerializer.Serialize(Use(arguments[0], arguments[1], arguments[2]).GetAwaiter().GetResult()));
    }

    static async Task<Dictionary<string, object>> Use(string file, string action, string user)
    {
        var scopes = new[] { Variable("SILENTRY_SCOPE") };
        var app = PublicClientApplicationBuilder.Create(Variable("SILENTRY_CLIENT_ID"))
            .WithAuthority("https://login.microsoftonline.com/" + Variable("SILENTRY_TENANT"))
            .Build();
        app.UserTokenCache.SetBeforeAccess(access =>
        {
            if (File.Exists(file)) access.TokenCache.DeserializeMsalV3(File.ReadAllBytes(file));
        });
        app.UserTokenCache.SetAfterAccess(access =>
        {
            if (access.HasStateChanged) File.WriteAllBytes(file, access.TokenCache.SerializeMsalV3());
        });
        AuthenticationResult token;
        if (action == "sign-in")
        {
            token = await app.AcquireTokenByUsernamePassword(scopes, user, Variable("INTEROP_PASSWORD")).ExecuteAsync();
        }
        else
        {
            var account = (await app.GetAccountsAsync()).Single(known => known.Username == user);
            token = await app.AcquireTokenSilent(scopes, account).WithForceRefresh(action == "refresh").ExecuteAsync();
        }
        var accounts = (await app.GetAccountsAsync()).ToList();
        return new Dictionary<string, object>
        {
            ["version"] = typeof(PublicClientApplication).Assembly.GetName().Version.ToString(3) + ", .NET " + Environment.Version,
            ["user"] = token.Account.Username,
            ["token"] = Hash(token.AccessToken),
            ["cached"] = token.AuthenticationResultMetadata.TokenSource == TokenSource.Cache,
            ["accounts"] = accounts.Count,
        };
    }

    static string Hash(string token)
    {
        using (var sha256 = SHA256.Create())
        {
            var digest = sha256.ComputeHash(Encoding.UTF8.GetBytes(token));
            return BitConverter.ToString(digest).Replace("-", "").ToLowerInvariant();
        }
    }

    static string Variable(string name)
    {
        return Environment.GetEnvironmentVariable(name);
    }
}
