//! Errors of system calls, with the texts of `strerror(3)`.

/// The error numbers that this simulation can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Errno {
    /// EPERM
    #[error("Operation not permitted")]
    NotPermitted,
    /// ENOENT
    #[error("No such file or directory")]
    NotFound,
    /// ESRCH
    #[error("No such process")]
    NoProcess,
    /// ENOEXEC
    #[error("Exec format error")]
    ExecFormat,
    /// EACCES
    #[error("Permission denied")]
    PermissionDenied,
    /// EEXIST
    #[error("File exists")]
    Exists,
    /// EXDEV
    #[error("Invalid cross-device link")]
    CrossDevice,
    /// ENOTDIR
    #[error("Not a directory")]
    NotDirectory,
    /// EISDIR
    #[error("Is a directory")]
    IsDirectory,
    /// EINVAL
    #[error("Invalid argument")]
    Invalid,
    /// ENXIO
    #[error("No such device or address")]
    NoDevice,
    /// ENOSPC
    #[error("No space left on device")]
    NoSpace,
    /// EROFS
    #[error("Read-only file system")]
    ReadOnly,
    /// ENOTEMPTY
    #[error("Directory not empty")]
    NotEmpty,
    /// EBUSY
    #[error("Device or resource busy")]
    Busy,
    /// ELOOP
    #[error("Too many levels of symbolic links")]
    Loop,
    /// ENAMETOOLONG
    #[error("File name too long")]
    NameTooLong,
    /// ENOSYS
    #[error("Function not implemented")]
    Unsupported,
}

impl Errno {
    /// The text as Go's `syscall` package prints it: `no such file or directory`.
    pub fn go(self) -> String {
        let text = self.to_string();
        text[..1].to_ascii_lowercase() + &text[1..]
    }

    /// The number on Linux.
    pub fn number(self) -> i32 {
        match self {
            Self::NotPermitted => 1,
            Self::NotFound => 2,
            Self::NoProcess => 3,
            Self::NoDevice => 6,
            Self::ExecFormat => 8,
            Self::PermissionDenied => 13,
            Self::Busy => 16,
            Self::Exists => 17,
            Self::CrossDevice => 18,
            Self::NotDirectory => 20,
            Self::IsDirectory => 21,
            Self::Invalid => 22,
            Self::NoSpace => 28,
            Self::ReadOnly => 30,
            Self::NameTooLong => 36,
            Self::Unsupported => 38,
            Self::NotEmpty => 39,
            Self::Loop => 40,
        }
    }
}

impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> Self {
        use std::io::ErrorKind;
        let kind = match errno {
            Errno::NotFound => ErrorKind::NotFound,
            Errno::PermissionDenied | Errno::NotPermitted => ErrorKind::PermissionDenied,
            Errno::Exists => ErrorKind::AlreadyExists,
            Errno::NotDirectory => ErrorKind::NotADirectory,
            Errno::IsDirectory => ErrorKind::IsADirectory,
            Errno::NotEmpty => ErrorKind::DirectoryNotEmpty,
            Errno::ReadOnly => ErrorKind::ReadOnlyFilesystem,
            Errno::NoSpace => ErrorKind::StorageFull,
            Errno::Invalid => ErrorKind::InvalidInput,
            _ => ErrorKind::Other,
        };
        Self::new(kind, errno)
    }
}
