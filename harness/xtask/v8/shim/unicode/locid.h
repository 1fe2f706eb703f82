// Stands in for ICU's locale class, for which libnode exports nothing: only the default locale's getter and setter use it.
#pragma once

typedef int UErrorCode;
constexpr UErrorCode U_ZERO_ERROR = 0;

namespace icu_74 {

struct CheckedArrayByteSink {
  CheckedArrayByteSink(char*, unsigned) {}
  bool Overflowed() const { return false; }
  unsigned NumberOfBytesAppended() const { return 0; }
};

struct Locale {
  Locale() = default;
  Locale(const char*) {}
  static const Locale& getDefault() {
    static Locale locale;
    return locale;
  }
  static void setDefault(const Locale&, UErrorCode&) {}
  template <class Sink>
  void toLanguageTag(Sink&, UErrorCode&) const {}
};

}  // namespace icu_74

namespace icu = icu_74;
