// What becomes of the events of a batch: strict and partial bodies, duplicates, conflicts, kinds, limits, events that open
// transactions hold, and the same event in several bodies; and what the clients are told.
#include "core/ingest/ingest_judge.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/ingest/ingest_answer.hpp"
#include "core/ingest/resends.hpp"

namespace {

using tally::BatchIdentity;
using tally::DocumentForm;
using tally::IngestBatch;
using tally::MonthLimits;
using tally::Verdict;

constexpr std::int64_t now = 1'700'000'000'000'000;

// "a b c=5 !": events a, b and c, c with another content than plain, and one that is rejected.
std::string events_json(std::string_view names) {
    std::string json = "[";
    while (!names.empty()) {
        const std::string_view word = names.substr(0, names.find(' '));
        names.remove_prefix(std::min(names.size(), word.size() + 1));
        if (json.size() > 1) json += ',';
        if (word == "!") {
            json += R"({"event_id":"bad"})";
            continue;
        }
        const std::size_t equals = word.find('=');
        json += R"({"event_id":")" + std::string(word.substr(0, equals)) + R"(","code":"c","customer_id":"k")";
        if (equals != std::string_view::npos) json += R"(,"properties":{"v":)" + std::string(word.substr(equals + 1)) + "}";
        json += '}';
    }
    return json + "]";
}

struct Store {
    IngestBatch batch;
    MonthLimits limits;

    Store() : batch(tally::DocumentOptions{DocumentForm::object, false, now, 7, false}) {}

    void strict(std::string_view names, std::uint32_t sender = 0) {
        batch.add(R"({"events":)" + events_json(names) + "}", sender);
    }
    void partial(std::string_view names, std::uint32_t sender = 0) {
        batch.add(R"({"allow_partial_failures":true,"events":)" + events_json(names) + "}", sender);
    }
    BatchIdentity& identity(std::string_view name) {
        for (const tally::BatchEvent& event : batch.events())
            if (event.event != nullptr && event.event->event_id == name && event.identity != tally::BatchEvent::no_identity)
                return batch.identities()[event.identity];
        throw std::runtime_error("no such event");
    }
    // The event is stored with the content that its first occurrence in the batch has, or with another one.
    void knows(std::string_view name, bool same = true) {
        BatchIdentity& known = identity(name);
        known.state = BatchIdentity::State::stored;
        for (const tally::BatchEvent& event : batch.events()) {
            if (event.event == nullptr || event.event->event_id != name) continue;
            known.payload = event.payload + (same ? 0 : 1);
            return;
        }
    }
    // One letter an event, bodies apart by blanks: A accepted, D duplicate, C conflict, R rejected, L limited, H held, -
    // untold.
    std::string verdicts() {
        judge(batch, limits);
        std::string told;
        for (const tally::BatchBody& body : batch.bodies()) {
            if (!told.empty()) told += ' ';
            for (const tally::BatchEvent& event : batch.events_of(body)) told += "-ADCRLH"[static_cast<int>(event.verdict)];
        }
        return told;
    }
    std::string told(std::size_t body) {
        const tally::IngestAnswer answer = answer_of(batch, batch.bodies()[body]);
        return std::to_string(answer.status) + " " + answer.body;
    }
    std::size_t to_store() {
        std::size_t count = 0;
        for (const BatchIdentity& one : batch.identities()) count += one.accepted != BatchIdentity::nobody;
        return count;
    }
};

TEST(IngestJudge, PartialBodiesStoreWhatTheyCan) {
    Store store;
    store.partial("a b a a=1 ! c");
    store.batch.seal();
    store.knows("c", false);
    EXPECT_EQ(store.verdicts(), "AADCRC");
    EXPECT_EQ(store.to_store(), 2u);
    EXPECT_EQ(
        store.told(0),
        R"(200 {"accepted":2,"duplicates":1,"failures":[{"index":3,"event_id":"a","reason":"an event with this event_id, customer and source is stored already with other content; the first one stands","field":"event_id"},{"index":4,"event_id":"bad","reason":"code is missing","field":"code"},{"index":5,"event_id":"c","reason":"an event with this event_id, customer and source is stored already with other content; the first one stands","field":"event_id"}]})");
}

TEST(IngestJudge, WhatWasToldToBeSentAgainIsCountedByCodeDayAndCustomer) {
    Store store;
    store.partial("a b a a=1 ! c c");
    store.strict("a d=1 c=2 e");  // refused: its conflict is told, its duplicate is not
    store.partial("e");
    store.batch.add(R"({"allow_partial_failures":true,"allow_backfilling":true,"events":[
        {"event_id":"z","code":"c","customer_id":"k","timestamp":"1970-01-01T23:59:59Z"},
        {"event_id":"z","code":"c","customer_id":"k","timestamp":"1970-01-01T23:59:59Z"}]})",
                    0);
    store.batch.seal();
    store.knows("c");
    EXPECT_EQ(store.verdicts(), "AADCRDD --C- A AD");
    std::string told;
    for (const tally::Resends& one : tally::resends_of(store.batch))
        told += std::string(one.code) + ' ' + std::string(one.customer_id) + ' ' + std::to_string(one.day) + ' ' +
                std::to_string(one.duplicates) + '/' + std::to_string(one.conflicts) + ' ';
    EXPECT_EQ(told, "c k 0 1/0 c k 19675 3/2 ");
}

TEST(IngestJudge, StrictBodiesStoreAllOrNothing) {
    Store store;
    store.strict("a b");
    store.strict("c ! d");
    store.strict("e f=1");
    store.strict("e f");
    store.batch.seal();
    store.knows("f");
    store.identity("f").payload = store.batch.events()[8].payload;  // as the last body has it
    EXPECT_EQ(store.verdicts(), "AA -R- -C AD");
    EXPECT_EQ(store.told(0), R"(200 {"accepted":2,"duplicates":0})");
    EXPECT_EQ(
        store.told(1),
        R"(400 {"code":"BAD_REQUEST","message":"1 of 3 events cannot be stored, so nothing was; see failures","failures":[{"index":1,"event_id":"bad","reason":"code is missing","field":"code"}]})");
    EXPECT_EQ(store.told(2).substr(0, 30), R"(409 {"code":"CONFLICT","messag)");
    EXPECT_EQ(store.told(3), R"(200 {"accepted":1,"duplicates":1})");
}

TEST(IngestJudge, AFailedStrictBodyTellsItsConflictsTooAndTakesNothing) {
    Store store;
    store.strict("a a=1 b !");
    store.strict("a=1 b");
    store.batch.seal();
    EXPECT_EQ(store.verdicts(), "-C-R AA");
    EXPECT_EQ(store.told(0).substr(0, 26), R"(400 {"code":"BAD_REQUEST",)");
    EXPECT_EQ(store.to_store(), 2u);
}

TEST(IngestJudge, AStrictBodyThatConflictsWithinItselfFails) {
    Store store;
    store.strict("a a=1");
    store.batch.seal();
    EXPECT_EQ(store.verdicts(), "-C");
    EXPECT_EQ(store.to_store(), 0u);
}

TEST(IngestJudge, TheFirstBodyThatStandsDecidesAboutTheNext) {
    Store store;
    store.strict("a b");
    store.strict("c a=1 d");
    store.strict("c d");
    store.partial("a a=1 c");
    store.batch.seal();
    EXPECT_EQ(store.verdicts(), "AA -C- AA DCD");
}

TEST(IngestJudge, ABodyThatIsNoDocumentConcernsOnlyItself) {
    Store store;
    store.batch.add("[", 0);
    store.batch.add(R"({"events":[],"x":1})", 0);
    store.strict("a");
    store.batch.seal();
    EXPECT_EQ(store.verdicts(), "R R A");
    EXPECT_EQ(store.told(0),
              R"x(400 {"code":"BAD_REQUEST","message":"the body must be a JSON object such as {\"events\": [...]}"})x");
    EXPECT_EQ(store.told(1),
              R"(400 {"code":"BAD_REQUEST","message":"events is empty; send 1 to 10000","details":{"field":"events"}})");
}

TEST(IngestJudge, WhatAKindRefusesHoldsNoIdentity) {
    Store store;
    store.partial("a=-1 a=1 a=2");
    store.batch.reject(0, "metric \"V\" is of kind base: value must be greater than 0", "properties.v");
    store.batch.seal();
    EXPECT_EQ(store.verdicts(), "RAC");
    EXPECT_EQ(
        store.told(0).substr(0, 160),
        R"(200 {"accepted":1,"duplicates":0,"failures":[{"index":0,"event_id":"a","reason":"metric \"V\" is of kind base: value must be greater than 0","field":"properties)");
    Store strict;
    strict.strict("a=-1 b");
    strict.batch.reject(0, "no", "properties.v");
    strict.batch.seal();
    EXPECT_EQ(strict.verdicts(), "R-");
}

TEST(IngestJudge, PartialBodiesFillWhatALimitLeaves) {
    Store store;
    store.partial("k p q ! p r r p=1");
    store.limits.tenant = {2, 13};
    store.batch.seal();
    store.knows("k");
    EXPECT_EQ(store.verdicts(), "DAARDLLC");
    EXPECT_NE(
        store.told(0).find(R"({"index":5,"event_id":"r","reason":"the tenant's limit of 13 events per month is reached"})"),
        std::string::npos);
    EXPECT_EQ(store.told(0).substr(0, 4), "200 ");
}

TEST(IngestJudge, AStrictBodyIsRefusedAsAWholeAndTakesNoRoom) {
    Store store;
    store.limits.tenant = {7, 20};
    store.strict("s1 s2 s3 s4");
    store.strict("s3 s4 s5 s6 s7 s8");
    store.strict("s4 s5");
    store.partial("t1 t2 t3");
    store.strict("s1 s4");
    store.strict("s9");
    store.batch.seal();
    EXPECT_EQ(store.verdicts(), "AAAA -----L DA AAL DD L");
    EXPECT_EQ(
        store.told(1),
        R"(429 {"code":"TOO_MANY_REQUESTS","message":"the tenant's limit of 20 events per month is reached, so nothing was stored","details":{"limit":{"whose":"tenant","remaining":3,"events_per_month":20}},"failures":[{"index":5,"event_id":"s8","reason":"the tenant's limit of 20 events per month is reached"}]})");
    EXPECT_NE(store.told(5).find(R"("remaining":0)"), std::string::npos);
}

TEST(IngestJudge, EachKeyHasItsOwnLimitBesideTheTenants) {
    Store store;
    store.limits.tenant = {10, 100};
    store.limits.senders = {{4, 5}, {}};
    store.strict("a b c", 0);
    store.strict("d e", 1);
    store.strict("f g", 0);
    store.strict("f", 0);
    store.strict("g", 0);
    store.batch.seal();
    EXPECT_EQ(store.verdicts(), "AAA AA -L A L");
    EXPECT_NE(store.told(2).find(R"({"whose":"key","remaining":1,"events_per_month":5})"), std::string::npos);
    EXPECT_EQ(store.told(4).substr(0, 96),
              R"(429 {"code":"TOO_MANY_REQUESTS","message":"the API key's limit of 5 events per month is reached,)");
}

TEST(IngestJudge, ABodyThatFailsAnywayIsNotLimited) {
    Store store;
    store.limits.tenant = {0, 1};
    store.strict("a !");
    store.strict("b b=1");
    store.batch.seal();
    EXPECT_EQ(store.verdicts(), "-R -C");
}

TEST(IngestJudge, AnEventThatIsHeldLeavesItsBodyUndecidedAndNoOther) {
    Store store;
    store.strict("a x");
    store.partial("x ! b");
    store.strict("a b");
    store.strict("x !");
    store.limits.tenant = {2, 2};
    store.batch.seal();
    store.identity("x").state = BatchIdentity::State::held;
    EXPECT_EQ(store.verdicts(), "HH HRH AA -R");
    EXPECT_EQ(store.told(0).substr(0, 30), R"(503 {"code":"SERVICE_UNAVAILAB)");
    EXPECT_EQ(store.told(1).substr(0, 4), "503 ");
    EXPECT_EQ(store.told(3).substr(0, 4), "400 ");
}

TEST(IngestJudge, IsJudgedAnewWhenMoreIsKnown) {
    Store store;
    store.strict("a b");
    store.strict("b=1");
    store.limits.tenant = {2, 2};
    store.batch.seal();
    EXPECT_EQ(store.verdicts(), "AA C");
    store.knows("a", false);
    EXPECT_EQ(store.verdicts(), "C- A");
    EXPECT_EQ(store.to_store(), 1u);
}

TEST(IngestBatch, ListsIdentitiesOnceInTheOrderOfTheirBytes) {
    Store store;
    std::string names;
    for (int n = 0; n < 300; ++n) names += (n ? " e" : "e") + std::to_string(n % 200);
    store.partial(names);
    store.batch.seal();
    ASSERT_EQ(store.batch.identities().size(), 200u);
    EXPECT_EQ(store.batch.candidates(), 300u);
    EXPECT_EQ(store.batch.candidates(0), 300u);
    EXPECT_EQ(store.batch.candidates(1), 0u);
    for (std::size_t n = 1; n < 200; ++n) EXPECT_LT(store.batch.identities()[n - 1].key, store.batch.identities()[n].key);
    EXPECT_EQ(store.verdicts(), std::string(200, 'A') + std::string(100, 'D'));
}

TEST(IngestBatch, AnotherTenantsEventIsAnother) {
    IngestBatch one(tally::DocumentOptions{DocumentForm::array, false, now, 1, false});
    IngestBatch two(tally::DocumentOptions{DocumentForm::array, false, now, 2, false});
    for (IngestBatch* batch : {&one, &two}) {
        batch->add(events_json("a"), 0);
        batch->seal();
    }
    EXPECT_NE(one.identities()[0].key, two.identities()[0].key);
}

TEST(IngestAnswer, TextsAreEscapedAndIdsThatSqlCannotHoldAreLeftOut) {
    Store store;
    store.batch.add(
        R"({"events":[{"event_id":"q\"\\\n\u0001é","code":"","customer_id":"k"},{"event_id":"n\u0000","code":"c","customer_id":"k"},5]})",
        0);
    store.batch.seal();
    EXPECT_EQ(store.verdicts(), "RRR");
    EXPECT_EQ(
        store.told(0),
        R"(400 {"code":"BAD_REQUEST","message":"3 of 3 events cannot be stored, so nothing was; see failures","failures":[)"
        R"({"index":0,"event_id":"q\"\\\n\u0001é","reason":"code is empty; it names what happened","field":"code"},)"
        R"({"index":1,"event_id":"","reason":"event_id holds the character U+0000, which cannot be stored","field":"event_id"},)"
        R"({"index":2,"event_id":"","reason":"an event must be a JSON object"}]})");
}

}  // namespace
