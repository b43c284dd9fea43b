// Running distinct sets: flat while small, expanded objects when large; see running_set.hpp.
#include "core/base/invariant.hpp"

#include "pg/border/boundary.hpp"
#include "pg/aggregate/running_set.hpp"
#include "pg/aggregate/state.hpp"

namespace tally {

namespace {

struct ExpandedSet {
    ExpandedObjectHeader header;
    SetWork* work;  // in the object's own memory
};

extern "C" {
Size flat_size(ExpandedObjectHeader* object);
void flatten(ExpandedObjectHeader* object, void* result, Size allocated);
}

constexpr ExpandedObjectMethods methods = {flat_size, flatten};

SetWork* work_of(ExpandedObjectHeader* object) noexcept {
    return reinterpret_cast<ExpandedSet*>(object)->work;
}

bool is_expanded_set(Datum value) noexcept {
    return VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)) && DatumGetEOHP(value)->eoh_methods == &methods;
}

std::byte* allocate_huge(MemoryContext memory, std::size_t size) {
    return static_cast<std::byte*>(MemoryContextAllocHuge(memory, std::max<std::size_t>(size, 8)));
}

SetWork* new_flat(const SetShape& shape) {
    auto* const work = reinterpret_cast<SetWork*>(new_state(shape.bytes() - VARHDRSZ));
    finish_state(reinterpret_cast<char*>(work), shape.bytes() - VARHDRSZ);
    start_work(*work, shape);
    return work;
}

void settle_work(SetWork& work) {
    if constexpr (invariants_are_checked) invariant(is_consistent(work), "a running distinct set is out of order");
    if (work.waiting == 0) return;
    alignas(8) std::byte few[4096];
    const std::size_t size = settle_scratch_bytes(work);
    if (size <= sizeof few) {
        settle(work, few);
        return;
    }
    CHECK_FOR_INTERRUPTS();
    std::byte* const scratch = allocate_huge(CurrentMemoryContext, size);
    settle(work, scratch);
    pfree(scratch);
}

void merge_into(SetWork& into, const SetView& from) {
    std::byte* const scratch = allocate_huge(CurrentMemoryContext, merge_scratch_bytes(into, from));
    merge_set(into, from, scratch);
    pfree(scratch);
}

ExpandedObjectHeader* new_object(MemoryContext aggregate) {
    MemoryContext const memory = AllocSetContextCreate(aggregate, "tally.distinct_set", ALLOCSET_START_SMALL_SIZES);
    auto* const object = static_cast<ExpandedSet*>(MemoryContextAlloc(memory, sizeof(ExpandedSet)));
    EOH_init_header(&object->header, &methods, memory);
    object->work = nullptr;
    return &object->header;
}

// Gives the settled set another shape.
void reshape(RunningSet& set, const SetShape& shape, MemoryContext aggregate) {
    SetWork* const old = set.work;
    const SetShape before = shape_of(*old);
    if (set.object != nullptr && shape.form == SetForm::working_keys && shape.form == before.form &&
        shape.wide == before.wide) {
        set.work = static_cast<SetWork*>(repalloc_huge(old, shape.bytes()));
        set.work->room = shape.room;
    } else if (set.object != nullptr || (aggregate != nullptr && shape.bytes() > max_flat_bytes)) {
        ExpandedObjectHeader* const object = set.object != nullptr ? set.object : new_object(aggregate);
        set.work = reinterpret_cast<SetWork*>(allocate_huge(object->eoh_context, shape.bytes()));
        start_work(*set.work, shape);
        merge_into(*set.work, view_of(*old));
        if (set.object != nullptr) pfree(old);
        set.object = object;
    } else {
        set.work = new_flat(shape);
        merge_into(*set.work, view_of(*old));
        return;
    }
    reinterpret_cast<ExpandedSet*>(set.object)->work = set.work;
}

extern "C" {

// PostgreSQL calls it, not an entry point of ours: what settling throws must become an error here.
Size flat_size(ExpandedObjectHeader* object) {
    guarded([object]() { settle_work(*work_of(object)); });
    const std::size_t size = VARHDRSZ + packed_size(view_of(*work_of(object)));
    if (size > MaxAllocSize)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("aggregate state would exceed 1 GB")));
    return size;
}

void flatten(ExpandedObjectHeader* object, void* result, Size allocated) {
    SET_VARSIZE(result, allocated);
    pack_set(view_of(*work_of(object)), state_start(static_cast<char*>(result)));
}

}  // extern "C"

}  // namespace

RunningSet running_set(Datum state) noexcept {
    char* const pointer = DatumGetPointer(state);
    if (VARATT_IS_EXTERNAL_EXPANDED_RW(pointer)) {
        if (!is_expanded_set(state)) return {};
        ExpandedObjectHeader* const object = DatumGetEOHP(state);
        return {work_of(object), object};
    }
    if (!VARATT_IS_4B_U(pointer) || VARSIZE(pointer) < sizeof(SetWork) || reinterpret_cast<std::uintptr_t>(pointer) % 8 != 0)
        return {};
    auto* const work = reinterpret_cast<SetWork*>(pointer);
    return {is_working_set(*work, VARSIZE(pointer)) ? work : nullptr, nullptr};
}

RunningSet new_running_set(const SetShape& shape) {
    return {new_flat(shape), nullptr};
}

RunningSet copied_running_set(const SetView& from) {
    RunningSet set = new_running_set(shape_for_keys(from.kind, from.wide, 1));
    merge_running(set, from, nullptr);
    return set;
}

Datum running_datum(const RunningSet& set) noexcept {
    return set.object != nullptr ? EOHPGetRWDatum(set.object) : PointerGetDatum(set.work);
}

void settle_running(const RunningSet& set) {
    settle_work(*set.work);
}

void make_room(RunningSet& set, const SetKey& key, MemoryContext aggregate) {
    settle_work(*set.work);
    const SetShape shape = next_shape(*set.work, key);
    if (shape != shape_of(*set.work)) reshape(set, shape, aggregate);
}

void merge_running(RunningSet& set, const SetView& from, MemoryContext aggregate) {
    if (add_set(*set.work, from)) return;
    settle_work(*set.work);
    if (add_set(*set.work, from)) return;
    const SetShape shape = merged_shape(*set.work, from);
    if (shape != shape_of(*set.work)) reshape(set, shape, aggregate);
    merge_into(*set.work, from);
    CHECK_FOR_INTERRUPTS();
}

SetView set_of(Datum value) {
    if (is_expanded_set(value)) {
        SetWork& work = *work_of(DatumGetEOHP(value));
        settle_work(work);  // other bytes, the same set: allowed where the reference is read-only too
        return view_of(work);
    }
    const Bytes body = state_body(value);
    const SetView set = load_set(body);
    if (set.waiting == 0) return set;
    auto* const copy = reinterpret_cast<SetWork*>(new_state(body.size()));
    finish_state(reinterpret_cast<char*>(copy), body.size());
    std::memcpy(state_start(reinterpret_cast<char*>(copy)), body.data(), body.size());
    settle_work(*copy);
    return view_of(*copy);
}

Datum packed_set(const SetView& set) {
    char* const state = new_state(packed_size(set));
    pack_set(set, state_start(state));
    return finish_state(state, packed_size(set));
}

Datum finished_set(Datum state) {
    const SetView set = set_of(state);
    if (!is_expanded_set(state)) return packed_set(set);
    // In current memory: up to PostgreSQL 15 the executor copies (and so flattens) a result that lies elsewhere.
    auto* const reference = static_cast<char*>(palloc(EXPANDED_POINTER_SIZE));
    std::memcpy(reference, DatumGetEOHP(state)->eoh_ro_ptr, EXPANDED_POINTER_SIZE);
    return PointerGetDatum(reference);
}

}  // namespace tally
