// A path's column behaves like a stored one whose cells are entries of a dictionary, and numbers where a property that is
// called like the path has some. Its dictionary: first the entries of that property, then what was found in the JSON
// values of the property that the path begins at, one for each of them, found when it is first asked for.
#include "core/usage/key_columns.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace tally {
namespace {

// What lies at the end of a path in the JSON entries of a dictionary, by their place among these.
class FoundValues {
public:
    FoundValues(const PropertyKey& key, PropertyColumn& column)
        : key_(key),
          dictionary_(column.dictionary()),
          codes_(dictionary_.codes_of(PropertyKind::json)),
          found_(codes_.end - codes_.begin) {}

    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(found_.size()); }
    bool holds(std::uint32_t code) const noexcept { return code >= codes_.begin && code < codes_.end; }
    std::uint32_t place(std::uint32_t code) const noexcept { return code - codes_.begin; }

    const PropertyValue& at(std::uint32_t place) {
        Found& found = found_[place];
        if (!found.is_known) {
            found.is_known = true;
            found.value = reader_.read(dictionary_.entry(codes_.begin + place).text, key_.steps());
            found.text = found.value.text;
            found.value.text = found.text;
        }
        return found.value;
    }

private:
    struct Found {
        bool is_known = false;
        PropertyValue value;
        std::string text;
    };

    const PropertyKey& key_;
    SegmentDictionary& dictionary_;
    CodeRange codes_;
    std::vector<Found> found_;
    PathReader reader_;
};

PropertyKind kind_of(const PropertyValue& value) noexcept {
    return value.kind == PropertyValue::Kind::text     ? PropertyKind::text
           : value.kind == PropertyValue::Kind::number ? PropertyKind::number
                                                       : PropertyKind::json;
}

class PathDictionary final : public SegmentDictionary {
public:
    PathDictionary(SegmentDictionary* named, FoundValues& found)
        : named_(named), named_size_(named == nullptr ? 0 : named->size()), found_(found) {}

    std::uint32_t named_size() const noexcept { return named_size_; }
    std::uint32_t size() const noexcept override { return named_size_ + found_.size(); }
    DictionaryEntry entry(std::uint32_t code) override {
        if (code < named_size_) return named_->entry(code);
        const PropertyValue& value = found_.at(code - named_size_);
        return {kind_of(value), value.text};
    }
    // Its entries have no order, and whoever counts searches for none.
    CodeRange codes_of(PropertyKind) const noexcept override { return {0, 0}; }
    std::optional<std::uint32_t> find(PropertyKind, std::string_view) override { return std::nullopt; }

private:
    SegmentDictionary* named_;
    std::uint32_t named_size_;
    FoundValues& found_;
};

class PathColumn final : public PropertyColumn {
public:
    // `named`: the property that is called like the path; it may be missing.
    PathColumn(const PropertyKey& key, PropertyColumn* named, PropertyColumn& base)
        : key_(key),
          named_(named),
          base_(base),
          found_(key, base),
          dictionary_(named != nullptr && named->has_entries() ? &named->dictionary() : nullptr, found_) {}

    std::string_view name() const noexcept override { return key_.text(); }
    bool only_numbers() const noexcept override { return false; }
    bool only_entries() const noexcept override { return false; }
    bool has_numbers() const noexcept override { return named_ != nullptr && named_->has_numbers(); }
    bool has_entries() const noexcept override { return true; }
    std::uint8_t scale() const noexcept override { return named_ == nullptr ? 0 : named_->scale(); }
    bool one_shown_scale() const noexcept override { return named_ == nullptr || named_->one_shown_scale(); }
    std::optional<BlockStatistics> statistics(std::uint32_t) override { return std::nullopt; }
    std::optional<BlockStatistics> marked_statistics(std::uint32_t, std::uint32_t) override { return std::nullopt; }
    SegmentDictionary& dictionary() override { return dictionary_; }

    void read_forms(std::uint32_t begin, std::uint32_t end, CellForm* forms) override {
        load(begin, end);
        std::copy(forms_.begin(), forms_.end(), forms);
    }
    void read_codes(std::uint32_t begin, std::uint32_t end, std::uint32_t* codes) override {
        load(begin, end);
        std::copy(codes_.begin(), codes_.end(), codes);
    }
    void read_numbers(std::uint32_t begin, std::uint32_t end, std::int64_t* mantissas) override {
        if (named_ == nullptr) std::fill_n(mantissas, end - begin, 0);
        else named_->read_numbers(begin, end, mantissas);
    }
    void read_shown_scales(std::uint32_t begin, std::uint32_t end, std::uint8_t* scales) override {
        if (named_ == nullptr) std::fill_n(scales, end - begin, std::uint8_t{0});
        else named_->read_shown_scales(begin, end, scales);
    }

private:
    static void read_cells(PropertyColumn& column, std::uint32_t begin, std::uint32_t end, std::vector<CellForm>& forms,
                           std::vector<std::uint32_t>& codes) {
        forms.assign(end - begin, column.only_numbers() ? CellForm::number : CellForm::entry);
        codes.assign(end - begin, 0);
        if (!column.only_numbers() && !column.only_entries()) column.read_forms(begin, end, forms.data());
        if (column.has_entries()) column.read_codes(begin, end, codes.data());
    }

    // Forms and codes are asked for one after the other, of the same rows.
    void load(std::uint32_t begin, std::uint32_t end) {
        if (loaded_.begin == begin && loaded_.end == end) return;
        forms_.assign(end - begin, CellForm::absent);
        codes_.assign(end - begin, 0);
        if (named_ != nullptr) read_cells(*named_, begin, end, forms_, codes_);
        read_cells(base_, begin, end, base_forms_, base_codes_);
        for (std::size_t row = 0; row < forms_.size(); ++row) {
            if (forms_[row] != CellForm::absent || base_forms_[row] != CellForm::entry || !found_.holds(base_codes_[row]))
                continue;
            const std::uint32_t place = found_.place(base_codes_[row]);
            if (found_.at(place).kind == PropertyValue::Kind::absent) continue;
            forms_[row] = CellForm::entry;
            codes_[row] = dictionary_.named_size() + place;
        }
        loaded_ = {begin, end};
    }

    const PropertyKey& key_;
    PropertyColumn* named_;
    PropertyColumn& base_;
    FoundValues found_;
    PathDictionary dictionary_;
    RowRange loaded_{0, 0};
    std::vector<CellForm> forms_, base_forms_;
    std::vector<std::uint32_t> codes_, base_codes_;
};

bool has_json(PropertyColumn* column) {
    if (column == nullptr || !column->has_entries()) return false;
    const CodeRange codes = column->dictionary().codes_of(PropertyKind::json);
    return codes.begin < codes.end;
}

}  // namespace

KeyColumns::KeyColumns(SegmentReader& segment, const MetricRule& rule) {
    for (const PropertyKey& key : rule.keys()) {
        PropertyColumn* const base = segment.property(key.property());
        if (!key.is_path()) {
            columns_.push_back(base);
            continue;
        }
        PropertyColumn* const named = key.may_be_name() ? segment.property(key.text()) : nullptr;
        if (!has_json(base)) {
            columns_.push_back(named);
            continue;
        }
        columns_.push_back(made_.emplace_back(std::make_unique<PathColumn>(key, named, *base)).get());
    }
}

KeyColumns::~KeyColumns() = default;

}  // namespace tally
