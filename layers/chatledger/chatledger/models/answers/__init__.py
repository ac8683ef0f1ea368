"""How answers look, by subject."""

from chatledger.models.answers.about import Error, ErrorDetail, Health, Problem, SigningKey
from chatledger.models.answers.audit import (
    AuditActor,
    AuditPlace,
    AuditProblem,
    AuditRecord,
    AuditTrail,
    AuditVerdict,
)
from chatledger.models.answers.chats import (
    Change,
    ChangesPage,
    ChatsStored,
    Conversation,
    ConversationList,
    ConversationPage,
    ConversationSummary,
    MessageOut,
    UserChats,
)
from chatledger.models.answers.conversation_logs import ConversationLogs
from chatledger.models.answers.documents import DocumentStored
from chatledger.models.answers.exports import (
    ClearedBefore,
    ExportArchive,
    ExportClear,
    ExportCounts,
    ExportDryRun,
    ExportFailure,
    ExportFile,
    ExportJob,
    ExportList,
    ExportManifest,
    ExportPreview,
    ExportProgress,
)
from chatledger.models.answers.holds import Hold, HoldList
from chatledger.models.answers.imports import (
    ImportCounts,
    ImportJob,
    ImportList,
    ImportProgress,
    ImportUpload,
)
from chatledger.models.answers.keys import Key, KeyList, KeyMade
from chatledger.models.answers.statistics import Statistics

__all__ = [
    "AuditActor",
    "AuditPlace",
    "AuditProblem",
    "AuditRecord",
    "AuditTrail",
    "AuditVerdict",
    "Change",
    "ChangesPage",
    "ChatsStored",
    "ClearedBefore",
    "Conversation",
    "ConversationList",
    "ConversationLogs",
    "ConversationPage",
    "ConversationSummary",
    "DocumentStored",
    "Error",
    "ErrorDetail",
    "ExportArchive",
    "ExportClear",
    "ExportCounts",
    "ExportDryRun",
    "ExportFailure",
    "ExportFile",
    "ExportJob",
    "ExportList",
    "ExportManifest",
    "ExportPreview",
    "ExportProgress",
    "Health",
    "Hold",
    "HoldList",
    "ImportCounts",
    "ImportJob",
    "ImportList",
    "ImportProgress",
    "ImportUpload",
    "Key",
    "KeyList",
    "KeyMade",
    "MessageOut",
    "Problem",
    "SigningKey",
    "Statistics",
    "UserChats",
]
