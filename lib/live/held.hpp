// Events kept while the board is filled, in order, as they came.
// Threads: one. Fails: never; add() answers false above the limit, and nothing is kept then.
#pragma once

#include "ami/message.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pbx::live {

class HeldEvents {
public:
    explicit HeldEvents(std::size_t maxBytes) : maxBytes_(maxBytes) {}

    [[nodiscard]] bool add(const ami::Message& event) {
        std::size_t bytes = 0;
        for (const auto& header : event.headers()) bytes += header.key.size() + header.value.size() + sizeof(Piece);
        if (text_.size() + pieces_.size() * sizeof(Piece) + bytes > maxBytes_) return false;
        for (const auto& header : event.headers()) {
            pieces_.push_back({header.key.size(), header.value.size()});
            text_.append(header.key).append(header.value);
        }
        counts_.push_back(event.headers().size());
        return true;
    }
    // Hands out each event once, then holds nothing.
    template <class F>
    void replay(F&& use) {
        ami::Message event;
        const std::string text = std::move(text_);
        const auto pieces = std::move(pieces_);
        const auto counts = std::move(counts_);
        clear();
        std::string_view rest = text;
        auto piece = pieces.begin();
        for (std::size_t count : counts) {
            event.clear();
            for (; count > 0; --count, ++piece) {
                const auto key = rest.substr(0, piece->key);
                event.add(key, rest.substr(piece->key, piece->value));
                rest.remove_prefix(piece->key + piece->value);
            }
            use(event);
        }
    }
    void clear() {
        text_.clear();
        pieces_.clear();
        counts_.clear();
    }
    std::size_t size() const noexcept { return counts_.size(); }

private:
    struct Piece {
        std::size_t key;
        std::size_t value;
    };
    std::size_t maxBytes_;
    std::string text_;
    std::vector<Piece> pieces_;
    std::vector<std::size_t> counts_; // headers of each event
};

} // namespace pbx::live
