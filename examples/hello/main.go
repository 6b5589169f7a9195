// Command hello is a small service to deploy with Flotilla: one page, one health check, and on request the
// ways in which a release can go wrong.
//
// Build it statically, since a unikernel has no dynamic linker:
//
//	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -ldflags "-X main.version=2 -X main.colour=green" .
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// Set by the linker, so that two versions can be told apart at a glance.
var (
	version = "1"
	colour  = "blue"
	// trouble makes a release that must not stay: "crashes" (at start), "never-healthy", or "fails-later"
	// (healthy at first, failing after a few seconds).
	trouble = ""
)

type answer struct {
	Message  string `json:"message"`
	Version  string `json:"version"`
	Colour   string `json:"colour"`
	Fleet    string `json:"fleet,omitempty"`
	Release  string `json:"release,omitempty"`
	Revision string `json:"revision,omitempty"`
	Greeting string `json:"greeting,omitempty"`
}

func main() {
	log.SetFlags(0)
	log.Printf("hello version %s (%s), release %s", version, colour, os.Getenv("FLOTILLA_RELEASE"))
	if trouble == "crashes" {
		log.Fatal("cannot open the ledger: connection refused")
	}
	started := time.Now()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		late := time.Since(started) > 15*time.Second
		if trouble == "never-healthy" || (trouble == "fails-later" && late) {
			log.Print("health: the ledger does not answer")
			http.Error(w, "the ledger does not answer", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer{
			Message:  "Hello from a unikernel",
			Version:  version,
			Colour:   colour,
			Fleet:    os.Getenv("FLOTILLA_FLEET"),
			Release:  os.Getenv("FLOTILLA_RELEASE"),
			Revision: revision(),
			Greeting: os.Getenv("GREETING"),
		})
	})

	// HOST is empty in a unikernel, which owns its network card, and loopback in the local region.
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	server := &http.Server{
		Addr:              net.JoinHostPort(os.Getenv("HOST"), port),
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	go func() {
		<-stop.Done()
		ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		_ = server.Shutdown(ctx)
	}()
	log.Printf("listening on %s", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// revision is the commit that Go stamped into the binary.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
