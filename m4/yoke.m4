dnl SPDX-License-Identifier: MIT
dnl yoke.m4 - the macros of configure.ac.

dnl YOKE_LIBRARY(VARIABLE, MODULE, DEBIAN-PACKAGE): a library that must be there.
AC_DEFUN([YOKE_LIBRARY], [
PKG_CHECK_MODULES([$1], [$2], [],
                  [AC_MSG_ERROR([$2 was not found by $PKG_CONFIG; on Debian install the package $3])])
])

dnl YOKE_FIND_PKG(VARIABLE, MODULE), YOKE_FIND_LIB(VARIABLE, LIBRARY, FUNCTION, HEADER): set yoke_found to yes or no.
AC_DEFUN([YOKE_FIND_PKG], [PKG_CHECK_MODULES([$1], [$2], [yoke_found=yes], [yoke_found=no])])
AC_DEFUN([YOKE_FIND_LIB], [
yoke_found=no
AC_CHECK_HEADER([$4], [AC_CHECK_LIB([$2], [$3], [yoke_found=yes])])
$1_LIBS=-l$2
AC_SUBST([$1_LIBS])
])

dnl YOKE_RUNTIME(NAME, LIBRARY, FINDER, DEBIAN-PACKAGE): --with-NAME, the conditional WITH_NAME, a word in YOKE_RUNTIMES.
AC_DEFUN([YOKE_RUNTIME], [
AC_ARG_WITH([$1],
            [AS_HELP_STRING([--with-$1=auto|yes|no], [build runtime_$1.so, which needs $2 (auto: if it is there)])],
            [], [with_$1=auto])
AS_CASE([$with_$1],
        [no], [yoke_found=no],
        [auto|yes], [$3],
        [AC_MSG_ERROR([--with-$1=$with_$1: the value is one of auto, yes, no])])
AS_IF([test "$with_$1$yoke_found" = yesno],
      [AC_MSG_ERROR([--with-$1: $2 was not found; on Debian install the package $4])])
AS_IF([test $yoke_found = yes], [YOKE_RUNTIMES="$YOKE_RUNTIMES $1"],
      [YOKE_RUNTIMES_NOT_BUILT="$YOKE_RUNTIMES_NOT_BUILT $1"])
AM_CONDITIONAL(m4_toupper([WITH_$1]), [test $yoke_found = yes])
])

dnl YOKE_WARNINGS: sets WARNING_CFLAGS; --enable-werror.
AC_DEFUN([YOKE_WARNINGS], [
AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [a warning is an error])], [], [enable_werror=no])
WARNING_CFLAGS=
for flag in -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wcast-qual -Wundef \
    -Wjump-misses-init -Wframe-larger-than=4096 -fstack-clash-protection; do
    YOKE_TRY_FLAG([WARNING_CFLAGS], [$flag])
done
AS_IF([test "$enable_werror" != no], [WARNING_CFLAGS="$WARNING_CFLAGS -Werror"])
AC_SUBST([WARNING_CFLAGS])
])

dnl YOKE_TRY_FLAG(VARIABLE, FLAG): appends the flag if the compiler takes it without a word.
AC_DEFUN([YOKE_TRY_FLAG], [
yoke_cflags=$CFLAGS
CFLAGS="$CFLAGS -Werror $2"
AC_MSG_CHECKING([whether $CC takes $2])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [$1="$$1 $2"; AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])])
CFLAGS=$yoke_cflags
])

dnl YOKE_SANITIZER: --enable-sanitizer; sets SANITIZER_FLAGS and PLUGIN_NO_UNDEFINED, the conditional SANITIZED.
AC_DEFUN([YOKE_SANITIZER], [
AC_ARG_ENABLE([sanitizer],
              [AS_HELP_STRING([--enable-sanitizer=LIST],
                              [build with -fsanitize=LIST: address, thread, undefined, "address,undefined"])],
              [sanitizer=$enableval], [sanitizer=no])
AS_IF([test "$sanitizer" = yes], [AC_MSG_ERROR([--enable-sanitizer needs a value: address, thread, undefined])])
AS_IF([test "$sanitizer" = no],
      [sanitizer=
       SANITIZER_FLAGS=
       PLUGIN_NO_UNDEFINED=-Wl,--no-undefined],
      [SANITIZER_FLAGS="-fsanitize=$sanitizer -fno-omit-frame-pointer"
       AS_CASE([$sanitizer], [*undefined*], [SANITIZER_FLAGS="$SANITIZER_FLAGS -fno-sanitize-recover=undefined"])
       dnl A plugin cannot be linked with that under clang's sanitizers, and frames are larger.
       PLUGIN_NO_UNDEFINED=
       WARNING_CFLAGS="$WARNING_CFLAGS -Wno-frame-larger-than"])
AC_SUBST([SANITIZER_FLAGS])
AC_SUBST([PLUGIN_NO_UNDEFINED])
AC_SUBST([sanitizer])
AM_CONDITIONAL([SANITIZED], [test -n "$sanitizer"])
])
