// What a database error means, told from POCO's exceptions; the one place that knows both engines' numbers and texts.
// Threads: any. Nothing here fails but on purpose.
#pragma once

#include "base/error.hpp"
#include "storage/database.hpp"

#include <string>

namespace Poco {
class Exception;
}

namespace pbx::storage {

enum class FaultKind {
    unique,    // a unique index refused it; `field` is the column that clashed
    reference, // a foreign key refused it
    badValue,  // too long, or not of the column's type
    deadlock,  // the server rolled the whole transaction back to end a deadlock (MariaDB 1213)
    busy,      // waited for a lock in vain; the transaction was rolled back
    timeout,   // the statement ran longer than allowed
    lost,      // the connection is gone
    away,      // cannot be reached, refuses us, disk full, read-only
    other
};

struct Fault {
    FaultKind kind = FaultKind::other;
    std::string field;
    std::string cause; // for the log
    // Whether the session may be used again.
    bool sessionGood() const { return kind != FaultKind::lost && kind != FaultKind::away && kind != FaultKind::other; }
};

// `sessionError`: the session's own error number, for what POCO reports without one (a result that breaks off).
Fault faultOf(Engine engine, const Poco::Exception& exception, int sessionError = 0);
// As pbx::Error, for a statement before COMMIT: nothing was changed.
Error errorOf(const Fault& fault);
// Throws it, as Away where the database cannot be reached.
[[noreturn]] void throwFault(const Fault& fault);

} // namespace pbx::storage
