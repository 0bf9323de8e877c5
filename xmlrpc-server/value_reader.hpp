// From xmlrpc-c's values to described objects: requests for the server, answers for pbxctl. The only place besides
// codec.cpp that knows xmlrpc-c. What comes in must have passed the XML guard.
// Threads: any. Throws pbx::Error: malformed (not XML-RPC), invalidArgument naming the field.
#pragma once

#include "ops/operation.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <xmlrpc-c/base.h>

namespace pbx::xmlrpc {

struct Release {
    void operator()(xmlrpc_value* value) const noexcept { xmlrpc_DECREF(value); }
};
using ValuePtr = std::unique_ptr<xmlrpc_value, Release>;

// xmlrpc-c's error indicator; failed calls become pbx::Error.
class Env {
public:
    Env() { xmlrpc_env_init(&env_); }
    ~Env() { xmlrpc_env_clean(&env_); }
    Env(const Env&) = delete;
    Env& operator=(const Env&) = delete;
    operator xmlrpc_env*() {
        return &env_;
    } // NOLINT(google-explicit-constructor): it is passed to every call of the library
    bool failed() const noexcept { return env_.fault_occurred != 0; }
    std::string text() const { return env_.fault_string ? env_.fault_string : ""; }

private:
    xmlrpc_env env_{};
};

struct MethodCall {
    std::string name;
    std::vector<ValuePtr> params;
};

// xmlrpc-c refuses what is above its limit of 512 KiB; the limit is the library's, for the whole process. The real one
// is that of whoever read the bytes. To be called before anything is parsed.
void raiseSizeLimit();
MethodCall parseCall(std::string_view body);
MethodCall parseMulticallEntry(xmlrpc_value* entry); // a struct of methodName and params
std::vector<ValuePtr> readArray(xmlrpc_value* value);

// The parameters of an operation: nothing, or one struct.
void readParams(const std::vector<ValuePtr>& params, const ops::TypeDesc& type, void* out, ops::CommonParams& common);
// What a methodResponse says: one value, or a fault.
struct FaultAnswer {
    int code = 0;
    std::string text;
};
std::variant<ValuePtr, FaultAnswer> parseResponse(std::string_view body);
// An operation's result. Members that this program does not know are passed over: a newer server may say more.
void readResult(xmlrpc_value* value, const ops::TypeDesc& type, void* out);
// For system.methodHelp and its like: exactly one string.
std::string readOneString(const std::vector<ValuePtr>& params);

} // namespace pbx::xmlrpc
