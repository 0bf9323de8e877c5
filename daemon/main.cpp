#include "daemon/program.hpp"

int main(int argc, char** argv) { return pbx::daemon::runProgram(argc, argv, {}); }
