#include "storage/faults.hpp"

#include <Poco/Data/MySQL/MySQLException.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Exception.h>

#include <charconv>

namespace pbx::storage {
namespace {

// POCO keeps the server's error number only in the text: "...errno]: 1062\t[...". The last one is it, because the
// message before it may hold a caller's words and what follows is only our own SQL.
int mysqlErrno(const std::string& text) {
    static constexpr std::string_view mark = "errno]: ";
    const auto place = text.rfind(mark);
    if (place == std::string::npos) return 0;
    int number = 0;
    std::from_chars(text.data() + place + mark.size(), text.data() + text.size(), number);
    return number;
}

// "agent_id" -> "agent", as the field is called on every wire.
std::string fieldOfColumn(std::string_view column) {
    if (column.size() > 3 && column.ends_with("_id")) column.remove_suffix(3);
    return std::string(column);
}

// "Duplicate entry '...' for key 'uq_queues_asterisk_name'": named uq_<table>_<column>.
std::string mysqlUniqueField(const std::string& text) {
    static constexpr std::string_view mark = "for key '";
    const auto place = text.rfind(mark);
    if (place == std::string::npos) return {};
    std::string_view key = std::string_view(text).substr(place + mark.size());
    key = key.substr(0, key.find('\''));
    for (std::string_view table :
         {"tenants", "departments", "queues", "agents", "users", "api_tokens", "blocklist", "priority_callers",
          "customers", "dids", "hours", "phones", "trunks", "outbound_rules"}) {
        const auto prefix = "uq_" + std::string(table) + "_";
        if (key.starts_with(prefix)) return fieldOfColumn(key.substr(prefix.size()));
    }
    return {};
}

// "UNIQUE constraint failed: queues.server, queues.asterisk_name": the last column is the one the caller chose.
std::string sqliteUniqueField(const std::string& text) {
    const auto dot = text.rfind('.');
    if (dot == std::string::npos) return {};
    const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", dot + 1);
    return fieldOfColumn(std::string_view(text).substr(dot + 1, end == std::string::npos ? end : end - dot - 1));
}

Fault mysqlFault(const Poco::Exception& exception, std::string text, int sessionError) {
    Fault fault;
    const int named = mysqlErrno(text);
    const int number = named != 0 ? named : sessionError;
    if (named == 0) text.append(" (session error ").append(std::to_string(sessionError)).append(")");
    switch (number) {
    case 1062: // ER_DUP_ENTRY
        fault.kind = FaultKind::unique;
        fault.field = mysqlUniqueField(text);
        break;
    case 1451: // ER_ROW_IS_REFERENCED_2
    case 1452: // ER_NO_REFERENCED_ROW_2
        fault.kind = FaultKind::reference;
        break;
    case 1406: // ER_DATA_TOO_LONG
    case 1366: // ER_TRUNCATED_WRONG_VALUE_FOR_FIELD: bytes that the column's character set has not
    case 1264: // ER_WARN_DATA_OUT_OF_RANGE
        fault.kind = FaultKind::badValue;
        break;
    case 1213: // ER_LOCK_DEADLOCK, also Galera's certification failure
        fault.kind = FaultKind::deadlock;
        break;
    case 1205: // ER_LOCK_WAIT_TIMEOUT
        fault.kind = FaultKind::busy;
        break;
    case 1969: // ER_STATEMENT_TIMEOUT
        fault.kind = FaultKind::timeout;
        break;
    case 1053: // ER_SERVER_SHUTDOWN
    case 1927: // ER_CONNECTION_KILLED
    case 2006: // CR_SERVER_GONE_ERROR
    case 2013: // CR_SERVER_LOST
    case 2055: // CR_SERVER_LOST_EXTENDED
        fault.kind = FaultKind::lost;
        break;
    case 1040: // ER_CON_COUNT_ERROR
    case 1044: // ER_DBACCESS_DENIED_ERROR
    case 1045: // ER_ACCESS_DENIED_ERROR
    case 1049: // ER_BAD_DB_ERROR
    case 1021: // ER_DISK_FULL
    case 1290: // ER_OPTION_PREVENTS_STATEMENT: read-only
    case 1836: // ER_READ_ONLY_MODE
    case 2002: // CR_CONNECTION_ERROR
    case 2003: // CR_CONN_HOST_ERROR
    case 2005: // CR_UNKNOWN_HOST
        fault.kind = FaultKind::away;
        break;
    default:
        // A connection error without a number that we know is still one.
        if (dynamic_cast<const Poco::Data::MySQL::ConnectionException*>(&exception)) fault.kind = FaultKind::lost;
    }
    fault.cause = std::move(text);
    return fault;
}

Fault sqliteFault(const Poco::Exception& exception, std::string text) {
    namespace lite = Poco::Data::SQLite;
    Fault fault;
    if (dynamic_cast<const lite::ConstraintViolationException*>(&exception)) {
        if (text.find("UNIQUE constraint") != std::string::npos) {
            fault.kind = FaultKind::unique;
            fault.field = sqliteUniqueField(text);
        } else if (text.find("FOREIGN KEY constraint") != std::string::npos) {
            fault.kind = FaultKind::reference;
        } else {
            fault.kind = FaultKind::badValue;
        }
    } else if (dynamic_cast<const lite::DBLockedException*>(&exception) ||
               dynamic_cast<const lite::TableLockedException*>(&exception)) {
        fault.kind = FaultKind::busy;
    } else if (dynamic_cast<const lite::DataTypeMismatchException*>(&exception) ||
               dynamic_cast<const lite::RowTooBigException*>(&exception)) {
        fault.kind = FaultKind::badValue;
    } else if (dynamic_cast<const lite::InvalidSQLStatementException*>(&exception)) {
        fault.kind = FaultKind::other;
    } else if (dynamic_cast<const lite::SQLiteException*>(&exception) ||
               dynamic_cast<const Poco::Data::ConnectionFailedException*>(&exception)) {
        fault.kind = FaultKind::away;
    }
    fault.cause = std::move(text);
    return fault;
}

} // namespace

Fault faultOf(Engine engine, const Poco::Exception& exception, int sessionError) {
    auto text = exception.displayText();
    return engine == Engine::mariadb ? mysqlFault(exception, std::move(text), sessionError)
                                     : sqliteFault(exception, std::move(text));
}

Error errorOf(const Fault& fault) {
    const auto error = [&](ErrorCode code, std::string text) {
        return Error(code, std::move(text)).because(fault.cause);
    };
    switch (fault.kind) {
    case FaultKind::unique:
        return error(ErrorCode::alreadyExists, (fault.field.empty() ? "it" : fault.field) + ": is taken already");
    case FaultKind::reference:
        return error(ErrorCode::conflict, "something that it refers to, or that refers to it, has changed meanwhile");
    case FaultKind::badValue:
        return error(ErrorCode::invalidArgument, "a value is too long or holds characters that cannot be stored");
    case FaultKind::timeout:
        return error(ErrorCode::deadlineExceeded, "the database took too long; nothing was changed");
    case FaultKind::deadlock:
    case FaultKind::busy:
        return error(ErrorCode::unavailable, "the database is busy; nothing was changed").retryIn(1);
    case FaultKind::lost:
    case FaultKind::away:
        return error(ErrorCode::unavailable, "the database cannot be reached; nothing was changed").retryIn(2);
    case FaultKind::other:
        break;
    }
    return error(ErrorCode::internal, "the database refused a statement");
}

void throwFault(const Fault& fault) {
    if (fault.kind == FaultKind::lost || fault.kind == FaultKind::away) throw Away(errorOf(fault));
    throw errorOf(fault);
}

} // namespace pbx::storage
