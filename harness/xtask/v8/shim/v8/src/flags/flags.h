// Stands in for V8's internal flag list, which libnode-dev does not ship: the public call does the same.
#pragma once

#include "v8-initialization.h"

namespace v8::internal {

struct FlagList {
  struct HelpOptions {
    enum ExitBehavior { kExit, kDontExit };
    HelpOptions(ExitBehavior, const char*) {}
  };

  static constexpr HelpOptions::ExitBehavior kExit = HelpOptions::kExit;

  static int SetFlagsFromCommandLine(int* argc, char** argv, bool remove_flags,
                                     HelpOptions) {
    V8::SetFlagsFromCommandLine(argc, argv, remove_flags);
    return 0;
  }
};

}  // namespace v8::internal
