// Metering from Go (1.18 or later), with nothing but the standard library.
// usage: PGTALLY_URL=http://127.0.0.1:8080 PGTALLY_KEY=tally_live_... go run meter.go
// It sends 2,500 events of the code `gpu` and reads what the metric `gpu-seconds` makes of them.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

const (
	attempts  = 8
	batchSize = 1000 // tallyd takes up to 10,000 at once
)

type Event struct {
	ID         string            `json:"event_id"` // made where the thing happened, once: a row's id, a request's id
	Code       string            `json:"code"`
	Customer   string            `json:"customer_id"`
	Timestamp  time.Time         `json:"timestamp"`
	Properties map[string]string `json:"properties"`
}

type Batch struct {
	Events []Event `json:"events"`
	Old    bool    `json:"allow_backfilling"`
}

type Sent struct {
	Accepted   int `json:"accepted"`
	Duplicates int `json:"duplicates"`
}

// Values are decimal texts, exact to the last digit: math/big.Rat reads them, float64 would round them.
type Row struct {
	Value      string            `json:"value"`
	Dimensions map[string]string `json:"dimensions"`
}

type Usage struct {
	Rows  []Row `json:"usage"`
	Total Row   `json:"total"`
}

type Meter struct {
	url, key string
	client   http.Client
}

// once sends a request; wait is how long to wait before the next attempt, if it is worth one.
func (m *Meter) once(method, target string, body []byte, answer any) (wait time.Duration, again bool, err error) {
	request, err := http.NewRequest(method, m.url+target, bytes.NewReader(body))
	if err != nil {
		return 0, false, err
	}
	request.Header.Set("Authorization", "Bearer "+m.key)
	request.Header.Set("Content-Type", "application/json")
	response, err := m.client.Do(request)
	if err != nil {
		return 0, true, err // no answer: the events may be stored or not
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, true, err
	}
	if response.StatusCode < 300 {
		return 0, false, json.Unmarshal(text, answer)
	}
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	// What is wrong with the request will be wrong again; `failures` in the text name the events.
	again = response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 500
	return time.Duration(seconds) * time.Second, again, fmt.Errorf("%d: %s", response.StatusCode, text)
}

// request asks until there is an answer. Sending again is safe: an event counts once, however often its event_id comes.
func (m *Meter) request(method, target string, body []byte, answer any) error {
	for attempt := 1; ; attempt++ {
		wait, again, err := m.once(method, target, body, answer)
		if err == nil || !again || attempt == attempts {
			return err
		}
		if wait == 0 { // grows, and differs from client to client
			wait = time.Duration(math.Min(30, math.Exp2(float64(attempt))/10) * (0.5 + rand.Float64()) * float64(time.Second))
		}
		time.Sleep(wait)
	}
}

func (m *Meter) Send(events []Event) (sum Sent, err error) {
	for len(events) > 0 {
		size := batchSize
		if size > len(events) {
			size = len(events)
		}
		body, err := json.Marshal(Batch{Events: events[:size], Old: true})
		if err != nil {
			return sum, err
		}
		var sent Sent
		if err := m.request("POST", "/api/v1/events/ingest", body, &sent); err != nil {
			return sum, err
		}
		sum.Accepted += sent.Accepted
		sum.Duplicates += sent.Duplicates
		events = events[size:]
	}
	return sum, nil
}

func (m *Meter) Usage(metric, from, to string, groupBy ...string) (usage Usage, err error) {
	query := url.Values{"from": {from}, "to": {to}, "group_by": groupBy}
	err = m.request("GET", "/api/v1/metrics/"+url.PathEscape(metric)+"/usage?"+query.Encode(), nil, &usage)
	return usage, err
}

func main() {
	log.SetFlags(0)
	address := os.Getenv("PGTALLY_URL")
	if address == "" {
		address = "http://127.0.0.1:8080"
	}
	meter := Meter{url: address, key: os.Getenv("PGTALLY_KEY"), client: http.Client{Timeout: 30 * time.Second}}
	var events []Event
	for n := 0; n < 2500; n++ {
		region := []string{"us", "eu"}[n%2]
		events = append(events, Event{fmt.Sprint("go-", n), "gpu", fmt.Sprint("customer-", n%5),
			time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), map[string]string{"seconds": "0.1", "region": region}})
	}
	sent, err := meter.Send(events)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("accepted %d, duplicates %d\n", sent.Accepted, sent.Duplicates)
	usage, err := meter.Usage("gpu-seconds", "2026-03-01", "2026-04-01", "region")
	if err != nil {
		log.Fatal(err)
	}
	for _, row := range usage.Rows {
		fmt.Printf("%s: %s\n", row.Dimensions["region"], row.Value)
	}
	fmt.Println("total", usage.Total.Value)
}
